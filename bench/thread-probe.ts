// Loaded by `--import` into every thread of a bench's process, before anything else: what only the thread itself
// can measure, on demand. Needs `--expose-gc`.
import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { BroadcastChannel, isMainThread, threadId } from 'node:worker_threads';

/** What one thread holds after a full collection, and how long that held it up. */
export interface ThreadProbe {
  readonly thread: number;
  readonly heapBytes: number;
  readonly gcMs: number;
}

/** What collecting did to one thread since it was last asked. */
export interface ThreadPauses {
  readonly thread: number;
  readonly count: number;
  readonly sumMs: number;
  readonly mostMs: number;
}

const rounds = 3;
const seen = { count: 0, sumMs: 0, mostMs: 0 };

const observer = new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) {
    seen.count += 1;
    seen.sumMs += duration;
    seen.mostMs = Math.max(seen.mostMs, duration);
  }
});
observer.observe({ entryTypes: ['gc'] });

function pausesHere(): ThreadPauses {
  const pauses = { thread: threadId, ...seen };
  Object.assign(seen, { count: 0, sumMs: 0, mostMs: 0 });
  return pauses;
}

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
const probes = { heap: probeHere, pauses: pausesHere } as const;
type Probe = keyof typeof probes;

if (!isMainThread) {
  const answers = new BroadcastChannel(answerChannel);
  const asks = new BroadcastChannel(askChannel);
  // Messages arrive while something else keeps the thread alive.
  asks.unref();
  answers.unref();
  asks.onmessage = ({ data }) => answers.postMessage(probes[data as Probe]());
}

/** Without an answer for so long: all that there are have answered. */
const silenceMs = 2000;

/** Probes all threads that were started with this module; the calling one comes first. */
export function probeAll(): Promise<readonly ThreadProbe[]> {
  return askAll<ThreadProbe>('heap');
}

/** What collecting did to all threads since this was last called; the calling thread comes first. */
export function pausesOfAll(): Promise<readonly ThreadPauses[]> {
  return askAll<ThreadPauses>('pauses');
}

async function askAll<Found extends ThreadProbe | ThreadPauses>(probe: Probe): Promise<readonly Found[]> {
  const found = [probes[probe]() as Found];
  const answers = new BroadcastChannel(answerChannel);
  const asks = new BroadcastChannel(askChannel);
  const { promise, resolve } = Promise.withResolvers<void>();
  let silence = setTimeout(resolve, 4 * silenceMs);
  answers.onmessage = ({ data }) => {
    found.push(data as Found);
    clearTimeout(silence);
    silence = setTimeout(resolve, silenceMs);
  };
  asks.postMessage(probe);
  await promise;
  answers.close();
  asks.close();
  return found;
}
