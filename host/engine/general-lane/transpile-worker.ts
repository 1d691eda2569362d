import { parentPort } from 'node:worker_threads';
import { $init, type GenerateOptions, generate } from '@bytecodealliance/jco-transpile/component';
import { stubIndex } from './core-stub.ts';
import { checkCoreNames, checkExternName, Refusal, sealGlue } from './glue.ts';
import type { CoreModule, Transpiled, TranspileReply, TranspileRequest } from './transpiled.ts';

/** The thread side of `transpile.ts`: one component per message; the other side ends the thread after a failure. */
const port = parentPort;
if (port === null) throw new Error('bug: the transpile worker was started outside a worker thread');
await $init;
port.on('message', (request: TranspileRequest) => port.postMessage(reply(request)));

function reply(request: TranspileRequest): TranspileReply {
  try {
    return { kind: 'done', generated: transpile(request) };
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    if (thrown instanceof Refusal) return { kind: 'unsupported', reason };
    // A panic in the generator is a wasm trap: the input made it fail, nothing says it is wrong.
    if (thrown instanceof WebAssembly.RuntimeError)
      return { kind: 'failed', reason: `the generator gave up (${reason.replace('wasm trap: ', '')})` };
    if (reason.startsWith('bug:')) return { kind: 'failed', reason };
    return { kind: isOfValidation(reason) ? 'malformed' : 'unsupported', reason };
  }
}

/**
 * The decoder has taken the component before. What the generator's validator still finds, with an offset, is
 * an invalid core module; all else is the generator's own limit (it takes functions and interfaces only, and
 * not every feature).
 */
function isOfValidation(reason: string): boolean {
  const isLimit =
    /requires the .* feature|not enabled|not supported|conflicts with previous name|immediate must be zero/;
  return /\(at offset 0x[0-9a-f]+\)/.test(reason) && !isLimit.test(reason);
}

function transpile(request: TranspileRequest): Transpiled {
  const generated = generate(request.bytes, optionsFor(request));
  for (const name of generated.imports) checkExternName(name);
  for (const [name] of generated.exports) checkExternName(name);
  const coreModules = coreModulesOf(generated.files, request.modules);
  const script = generated.files.find(([name]) => name.endsWith('.js'));
  if (script === undefined) throw new Error('bug: the generator wrote no module');
  const glue = sealGlue(new TextDecoder().decode(script[1]), request.parents);
  return { glue, coreModules, suspendingImports: request.suspendingImports };
}

/**
 * The generator's own modules, which join functions of two components, and the component's in place of their
 * stubs. What is wrong inside those is for whoever meters and compiles them to find.
 */
function coreModulesOf(
  files: readonly [string, Uint8Array][],
  modules: TranspileRequest['modules'],
): CoreModule[] {
  return files
    .filter(([name]) => name.endsWith('.wasm'))
    .map(([name, bytes]) => {
      const own = new Uint8Array(bytes);
      const compiled = new WebAssembly.Module(own);
      checkCoreNames(compiled);
      const index = stubIndex(compiled);
      const original = index === undefined ? own : modules[index];
      if (original === undefined) throw new Error(`bug: there is no core module ${index}`);
      return { name, isJoint: index === undefined, bytes: original };
    });
}

function optionsFor(request: TranspileRequest): GenerateOptions {
  const { importedInterfaces, suspendingImports, suspendableExports } = request;
  return {
    name: 'component',
    // An interface mapped to its own full name keeps its version: without that two versions become one key.
    map: importedInterfaces.map((name) => [name, name]),
    instantiation: { tag: 'async' },
    asyncMode: { tag: 'jspi', val: { imports: [...suspendingImports], exports: [...suspendableExports] } },
    noComponentErrorWrapping: true,
    noTypescript: true,
    noNodejsCompat: true,
    base64Cutoff: 0,
    multiMemory: true,
  };
}
