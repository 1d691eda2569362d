import { type MessagePort, workerData } from 'node:worker_threads';
import { HostError, toWire, type WireError } from '../errors.ts';
import { declaredTypes } from './declared-types.ts';
import { moving } from './piscina-moving.ts';
import { type Prepared, prepareProgram } from './prepare.ts';

/** What the pool asks a thread. */
export interface PrepareTask {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Takes the names of steps as they begin. */
  readonly progress: MessagePort;
}

export type PrepareReply =
  | { readonly kind: 'done'; readonly prepared: Prepared }
  /** An Error would lose its class on its way. */
  | { readonly kind: 'failed'; readonly error: WireError };

/** What every thread of the pool is started with. */
export interface PrepareStart {
  readonly declaredTypes: SharedArrayBuffer;
}

declaredTypes.share((workerData as PrepareStart).declaredTypes);

/** The thread side of `prepare-pool.ts`. */
export async function prepare({ bytes, progress }: PrepareTask): Promise<PrepareReply> {
  try {
    const prepared = await prepareProgram(bytes, (step) => progress.postMessage(step));
    return moving({ kind: 'done', prepared }, [...new Set(prepared.modules.map(({ buffer }) => buffer))]);
  } catch (thrown) {
    if (!(thrown instanceof HostError)) throw thrown;
    return { kind: 'failed', error: toWire(thrown) };
  } finally {
    progress.close();
  }
}
