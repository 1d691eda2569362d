import { MessageChannel } from 'node:worker_threads';
import { FixedQueue, Piscina } from 'piscina';
import { fromWire, HostError } from '../errors.ts';
import { threadEnvironment } from '../thread-environment.ts';
import { declaredTypes } from './declared-types.ts';
import { moving } from './piscina-moving.ts';
import type { Prepared } from './prepare.ts';
import type { PrepareReply, PrepareStart, PrepareTask } from './prepare-worker.ts';

/** Prepares programs off the thread that serves. */
export interface PreparePool {
  /**
   * As `prepareProgram`; `signal` also ends one that runs.
   * @throws HostError what `prepareProgram` throws; `HOST_ERR_BUDGET_EXHAUSTED` when too many wait;
   * `HOST_ERR_THREAD_LOST` when the thread ended meanwhile. The signal's reason when it aborts.
   */
  prepare(
    bytes: Uint8Array<ArrayBuffer>,
    onProgress: (step: string) => void,
    signal?: AbortSignal,
  ): Promise<Prepared>;
  close(): Promise<void>;
}

export interface PreparePoolOptions {
  readonly threadsMax?: number;
  /** Programs that wait for a thread. */
  readonly queueMax?: number;
  /** After so long without work a thread ends; the next program starts another. */
  readonly idleMsMax?: number;
  readonly heapMiBMax?: number;
}

const queueDefault = 256;
const idleMsDefault = 10_000;
const heapMiBDefault = 2048;

const workerUrl = new URL(
  import.meta.url.endsWith('.ts') ? './prepare-worker.ts' : './prepare-worker.js',
  import.meta.url,
);

export function startPreparePool(options: PreparePoolOptions = {}): PreparePool {
  const queueMax = options.queueMax ?? queueDefault;
  const pool = new Piscina<PrepareTask, PrepareReply>({
    filename: workerUrl.href,
    name: 'prepare',
    minThreads: 0,
    maxThreads: options.threadsMax ?? 1,
    maxQueue: queueMax,
    idleTimeout: options.idleMsMax ?? idleMsDefault,
    taskQueue: new FixedQueue(),
    recordTiming: false,
    // A thread between two programs still has the generator's thread to look after.
    atomics: 'disabled',
    env: threadEnvironment(),
    resourceLimits: { maxOldGenerationSizeMb: options.heapMiBMax ?? heapMiBDefault },
    workerData: { declaredTypes: declaredTypes.shared } satisfies PrepareStart,
  });
  // A thread that fails between two programs is replaced at the next one.
  pool.on('error', () => {});
  return {
    prepare: async (bytes, onProgress, signal) => {
      if (pool.queueSize >= queueMax) throw queueFull(queueMax);
      const reply = await ask(pool, bytes, onProgress, signal);
      if (reply.kind === 'failed') throw fromWire(reply.error);
      for (const { digest } of reply.prepared.facts.modules) declaredTypes.know(digest);
      return reply.prepared;
    },
    close: () => pool.destroy(),
  };
}

async function ask(
  pool: Piscina<PrepareTask, PrepareReply>,
  bytes: Uint8Array<ArrayBuffer>,
  onProgress: (step: string) => void,
  signal: AbortSignal | undefined,
): Promise<PrepareReply> {
  const { port1, port2 } = new MessageChannel();
  port1.on('message', onProgress);
  port1.unref();
  // A copy: the caller keeps its own, and a pooled Buffer would take along whatever else lies in its slab.
  const task: PrepareTask = { bytes: new Uint8Array(bytes), progress: port2 };
  try {
    const moved = moving(task, [task.bytes.buffer, port2]);
    return await pool.run(moved, signal === undefined ? {} : { signal });
  } catch (thrown) {
    signal?.throwIfAborted();
    throw isThreadEnd(thrown) ? threadLost(thrown) : thrown;
  } finally {
    port1.close();
  }
}

/** Of the engine (heap full), or of Piscina (its thread ended, its pool closed). */
function isThreadEnd(thrown: unknown): thrown is Error {
  if (!(thrown instanceof Error)) return false;
  const isFull = 'code' in thrown && thrown.code === 'ERR_WORKER_OUT_OF_MEMORY';
  return isFull || /^(?:Terminating worker thread|worker exited|Worker is closed)/i.test(thrown.message);
}

function threadLost(cause: Error): HostError {
  const message = `the program could not be prepared: the thread that did it ended (${cause.message})`;
  return new HostError('HOST_ERR_THREAD_LOST', message, { reason: cause.message }, cause);
}

function queueFull(queueMax: number): HostError {
  return new HostError(
    'HOST_ERR_BUDGET_EXHAUSTED',
    `${queueMax} programs already wait to be prepared, which is the limit; ask again later`,
    { queueMax },
  );
}
