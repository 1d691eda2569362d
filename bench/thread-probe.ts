// Loaded by `--import` into every thread of a bench's process, before anything else: what only the thread itself
// can measure, on demand. Needs `--expose-gc`.
import { getHeapStatistics } from 'node:v8';
import { BroadcastChannel, isMainThread, threadId } from 'node:worker_threads';

/** What one thread holds after a full collection, and how long that held it up. */
export interface ThreadProbe {
  readonly thread: number;
  readonly heapBytes: number;
  readonly gcMs: number;
}

const rounds = 3;

/** Collects; the shortest of a few, as the machine has others to serve. */
export function probeHere(): ThreadProbe {
  const gc = (globalThis as { readonly gc?: () => void }).gc;
  if (gc === undefined) throw new Error('needs --expose-gc');
  gc();
  let gcMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round += 1) {
    const fromMs = performance.now();
    gc();
    gcMs = Math.min(gcMs, performance.now() - fromMs);
  }
  return { thread: threadId, heapBytes: getHeapStatistics().used_heap_size, gcMs };
}

const askChannel = 'bench-probe';
const answerChannel = 'bench-probe-answer';

if (!isMainThread) {
  const answers = new BroadcastChannel(answerChannel);
  const asks = new BroadcastChannel(askChannel);
  // Messages arrive while something else keeps the thread alive.
  asks.unref();
  answers.unref();
  asks.onmessage = () => answers.postMessage(probeHere());
}

/** Without an answer for so long: all that there are have answered. */
const silenceMs = 2000;

/** Probes all threads that were started with this module; the calling one comes first. */
export async function probeAll(): Promise<readonly ThreadProbe[]> {
  const found = [probeHere()];
  const answers = new BroadcastChannel(answerChannel);
  const asks = new BroadcastChannel(askChannel);
  const { promise, resolve } = Promise.withResolvers<void>();
  let silence = setTimeout(resolve, 4 * silenceMs);
  answers.onmessage = ({ data }) => {
    found.push(data as ThreadProbe);
    clearTimeout(silence);
    silence = setTimeout(resolve, silenceMs);
  };
  asks.postMessage('probe');
  await promise;
  answers.close();
  asks.close();
  return found;
}
