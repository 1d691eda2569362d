import { Worker } from 'node:worker_threads';
import { HostError } from '../../errors.ts';
import { threadEnvironment } from '../../thread-environment.ts';
import type { Component } from '../component/component.ts';
import type { World } from '../component/world.ts';
import { fullName, interfacesOf, rootInterface } from './general-world.ts';
import { instanceParents } from './instance-tree.ts';
import { adaptRootExports, rootFunctionName } from './root-exports.ts';
import { stubModules } from './stubs.ts';
import { checkSupport } from './support.ts';
import type { Transpiled, TranspileReply, TranspileRequest } from './transpiled.ts';

/** Part of every cache key of a `Transpiled`: the generator's version, its options and our changes to its output. */
export const transpilerVersion = 'jco-transpile-0.15.0+motehost.12';

export interface TranspileOptions {
  /** `worldOf` the component. */
  readonly world: World;
  /** Imports that the host answers with promises: `suspendingImportsOf(world, linker)`. */
  readonly suspendingImports: readonly string[];
  readonly deadlineMs: number;
}

const workerUrl = new URL(
  import.meta.url.endsWith('.ts') ? './transpile-worker.ts' : './transpile-worker.js',
  import.meta.url,
);
const heapMiBMax = 2048;
const reasonCharsMax = 400;

/**
 * Makes the general lane's module from a component (component-model binary format, layer 1) in a thread of its
 * own: the generator may hang or be left unusable by bad input, so the thread is ended after any failure.
 * One at a time; later calls wait.
 * @throws HostError `HOST_ERR_COMPONENT_MALFORMED`, `HOST_ERR_COMPONENT_UNSUPPORTED`
 */
export async function transpileComponent(
  component: Component,
  options: TranspileOptions,
): Promise<Transpiled> {
  checkSupport(component);
  const run = last.then(() => transpileNow(component, options));
  last = run.catch(() => undefined);
  return await run;
}

/** Ends the idle preparation thread; the next call starts another. */
export async function stopTranspiler(): Promise<void> {
  await last;
  await retire();
}

let last: Promise<unknown> = Promise.resolve();
let idle: Worker | undefined;

async function retire(): Promise<void> {
  const worker = idle;
  idle = undefined;
  await worker?.terminate();
}

async function transpileNow(component: Component, options: TranspileOptions): Promise<Transpiled> {
  idle ??= startWorker();
  const reply = await ask(idle, requestFor(component, options), options.deadlineMs);
  if (reply.kind === 'done') return reply.generated;
  await retire();
  throw errorFor(reply);
}

function requestFor(component: Component, options: TranspileOptions): TranspileRequest {
  const { world, suspendingImports } = options;
  const stubbed = stubModules(component);
  return {
    // Copies throughout: a pooled Buffer would post its whole slab, whatever else lies in it.
    bytes: adaptRootExports(component, stubbed.bytes),
    modules: stubbed.modules,
    parents: instanceParents(component),
    importedInterfaces: interfacesOf(world, 'imports')
      .map(({ name }) => name)
      .filter((name) => name !== rootInterface),
    suspendingImports,
    // Every exported function but constructors: a JavaScript constructor cannot wait.
    suspendableExports: interfacesOf(world, 'exports').flatMap(({ name, functions }) =>
      functions
        .filter((each) => !each.name.startsWith('[constructor]'))
        .map((each) => (name === rootInterface ? rootFunctionName(each.name) : fullName(name, each.name))),
    ),
  };
}

function startWorker(): Worker {
  const worker = new Worker(workerUrl, {
    resourceLimits: { maxOldGenerationSizeMb: heapMiBMax },
    env: threadEnvironment(),
    stdout: true,
    stderr: true,
  });
  // Between two questions nobody listens; a thread that dies then is replaced at the next one.
  worker.on('error', () => {});
  worker.on('exit', () => {
    if (idle === worker) idle = undefined;
  });
  worker.unref();
  return worker;
}

function ask(worker: Worker, request: TranspileRequest, deadlineMs: number): Promise<TranspileReply> {
  const { promise, resolve } = Promise.withResolvers<TranspileReply>();
  const fail = (reason: string) => resolve({ kind: 'failed', reason });
  const timer = setTimeout(() => fail(`preparation took longer than ${deadlineMs} ms`), deadlineMs);
  const onError = (error: unknown) => fail(error instanceof Error ? error.message : String(error));
  const onExit = (code: number) => fail(`the preparation thread ended with code ${code}`);
  worker.on('message', resolve).on('error', onError).on('exit', onExit);
  worker.ref();
  worker.postMessage(request, [request.bytes.buffer, ...request.modules.map(({ buffer }) => buffer)]);
  return promise.finally(() => {
    clearTimeout(timer);
    worker.unref();
    worker.off('message', resolve).off('error', onError).off('exit', onExit);
  });
}

function errorFor(reply: Exclude<TranspileReply, { kind: 'done' }>): HostError {
  const reason = oneLine(reply.reason);
  if (reply.kind === 'malformed')
    return new HostError('HOST_ERR_COMPONENT_MALFORMED', `not a valid component: ${reason}`, { reason });
  const what =
    reply.kind === 'failed'
      ? 'the component could not be prepared'
      : 'the component cannot be run by the transpiler (jco)';
  return new HostError('HOST_ERR_COMPONENT_UNSUPPORTED', `${what}: ${reason}`, { reason });
}

/** The innermost cause of a generator's error chain, on one line. */
function oneLine(reason: string): string {
  const [first = '', ...causes] = reason.split(/\n\s*Caused by:\s*\n/);
  const text = (causes.at(-1) ?? first).replace(/^\s*\d+:\s*/gm, '; ').replace(/\s+/g, ' ');
  return text
    .replace(/^[;\s]+/, '')
    .trim()
    .slice(0, reasonCharsMax);
}
