import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deserialize } from 'node:v8';
import type { BuildResult } from '../../guest-sdk/assemblyscript/build/build-agent.ts';
import type { AsOrder } from './as-build.ts';

/**
 * A process that compiles AssemblyScript for all test files of a run. The compiler takes four times as long for the first
 * program of a process as for a later one, and most files need one program, often one that others need too.
 */
export class Workshop implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #folder: string;
  /** Where it listens, for MOTEHOST_TEST_WORKSHOP. */
  readonly address: string;

  constructor(child: ChildProcess, folder: string, address: string) {
    this.#child = child;
    this.#folder = folder;
    this.address = address;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit');
    if (this.#child.exitCode === null && this.#child.kill('SIGKILL')) await ended;
    rmSync(this.#folder, { recursive: true });
  }
}

export async function startWorkshop(): Promise<Workshop> {
  const folder = mkdtempSync(join(tmpdir(), 'motehost-workshop-'));
  const address = process.platform === 'win32' ? `\\\\.\\pipe\\${folder}` : join(folder, 'socket');
  const child = fork(join(import.meta.dirname, 'workshop-main.ts'), [address]);
  await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => Promise.reject(new Error('the workshop ended before it began'))),
  ]);
  return new Workshop(child, folder, address);
}

/** Builds an agent: in the run's workshop, or in this process where a file runs alone. */
export async function order(agent: AsOrder): Promise<BuildResult> {
  const address = process.env.MOTEHOST_TEST_WORKSHOP;
  const made = address === undefined ? undefined : await ask(address, agent);
  if (made !== undefined) return made;
  // What does not compile fails here, as itself.
  const { buildHere } = await import('./as-build.ts');
  return buildHere(agent);
}

/** What the workshop made; undefined when it does not compile. */
async function ask(socketPath: string, agent: AsOrder): Promise<BuildResult | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<BuildResult | undefined>();
  const asked = request({ socketPath, method: 'POST' }, async (reply) => {
    try {
      const bytes = Buffer.concat(await reply.toArray());
      resolve(reply.statusCode === 200 ? (deserialize(bytes) as BuildResult) : undefined);
    } catch (error) {
      reject(error);
    }
  });
  asked.on('error', reject);
  asked.end(JSON.stringify(agent));
  return promise;
}
