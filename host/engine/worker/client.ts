import type { EventLoopUtilization } from 'node:perf_hooks';
import type { HeapInfo } from 'node:v8';
import { type Transferable, Worker } from 'node:worker_threads';
import { HostError } from '../../errors.ts';
import { threadEnvironment } from '../../thread-environment.ts';
import { type Answers, Channel } from './channel.ts';
import type { AnswerOf, Calls, InputOf, Packet, ThreadStart } from './protocol.ts';

export interface ThreadOptions<Mine extends Calls> {
  /** The module the thread runs; it calls `joinOwner`. */
  readonly entry: URL;
  readonly name: string;
  /** What `threadStart` gives there: data of the structured clone. */
  readonly start: unknown;
  readonly transfer?: readonly Transferable[];
  /** MiB of JavaScript heap; at its end the thread is lost. */
  readonly heapMiBMax: number;
  readonly answers: Answers<Mine>;
  /** What the thread prints; nothing of it goes to this process's own output. */
  onOutput(stream: 'stdout' | 'stderr', text: string): void;
}

/** How busy a thread is. */
export interface ThreadUsage {
  /** 0 to 1: the share of time, since it was last asked, that the thread did not wait for events. */
  readonly utilization: number;
  readonly heapBytes: number;
  readonly heapBytesMax: number;
}

/** MiB; short-lived objects of messages and calls should die there, and suspended stacks are roots of every round. */
const youngMiBMax = 64;

/** The owner's side of one thread. */
export class Thread<Mine extends Calls, Theirs extends Calls> {
  readonly name: string;
  /** Resolves when the thread takes calls; rejects with `HOST_ERR_THREAD_LOST` when it ends before. */
  readonly ready: Promise<void>;
  /** Resolves with the reason when the thread has ended, whoever ended it. */
  readonly ended: Promise<string>;
  readonly #worker: Worker;
  readonly #channel: Channel<Mine, Theirs>;
  readonly #retired: PromiseWithResolvers<void> = Promise.withResolvers<void>();
  #busy: EventLoopUtilization;
  #reason: string | undefined;

  constructor(options: ThreadOptions<Mine>) {
    this.name = options.name;
    this.#worker = startWorker(options);
    this.#channel = new Channel<Mine, Theirs>(this.#worker, options.answers);
    this.#busy = this.#worker.performance.eventLoopUtilization();
    const ready = Promise.withResolvers<void>();
    this.ready = ready.promise;
    // Whoever waits for it hears of it; nobody has to.
    this.ready.catch(() => {});
    this.#worker.on('message', (packet: Packet) => {
      if (this.#channel.receive(packet)) return;
      if (packet.kind === 'ready') ready.resolve();
      else if (packet.kind === 'retired') this.#retired.resolve();
    });
    this.#worker.on('error', (error: unknown) => {
      this.#reason = error instanceof Error ? error.message : String(error);
    });
    this.ended = new Promise((resolve) => {
      this.#worker.once('exit', (code) => {
        this.#reason ??= `it exited with code ${code}`;
        const lost = this.#lost(this.#reason);
        ready.reject(lost);
        this.#channel.close(lost);
        this.#retired.resolve();
        resolve(this.#reason);
      });
    });
  }

  /** The thread's number within this process, as in a debugger; -1 after its end. */
  get threadId(): number {
    return this.#worker.threadId;
  }

  get callsInFlight(): number {
    return this.#channel.callsInFlight;
  }

  /** See `Channel.call`. */
  call<Name extends keyof Theirs & string>(
    name: Name,
    input: InputOf<Theirs[Name]>,
    transfer?: readonly Transferable[],
  ): Promise<AnswerOf<Theirs[Name]>> {
    return this.#channel.call(name, input, transfer);
  }

  /** See `Channel.post`. */
  post<Name extends keyof Theirs & string>(
    name: Name,
    input: InputOf<Theirs[Name]>,
    transfer?: readonly Transferable[],
  ): void {
    this.#channel.post(name, input, transfer);
  }

  async usage(): Promise<ThreadUsage> {
    const before = this.#busy;
    this.#busy = this.#worker.performance.eventLoopUtilization();
    const { utilization } = this.#worker.performance.eventLoopUtilization(this.#busy, before);
    const heap: HeapInfo = await this.#worker.getHeapStatistics();
    return { utilization, heapBytes: heap.used_heap_size, heapBytesMax: heap.heap_size_limit };
  }

  /** Lets the thread finish what it began, at most until `aborted` does, then ends it. */
  async retire(aborted: AbortSignal): Promise<void> {
    this.#worker.postMessage({ kind: 'retire' } satisfies Packet);
    const { promise, resolve } = Promise.withResolvers<void>();
    const giveUp = (): void => resolve();
    aborted.addEventListener('abort', giveUp, { once: true });
    if (!aborted.aborted) await Promise.race([this.#retired.promise, promise]);
    aborted.removeEventListener('abort', giveUp);
    await this.terminate();
  }

  /** Ends the thread at once, also one that computes without end. */
  async terminate(reason: string = 'it was told to end'): Promise<void> {
    this.#reason ??= reason;
    await this.#worker.terminate();
    await this.ended;
  }

  #lost(reason: string): HostError {
    return new HostError(
      'HOST_ERR_THREAD_LOST',
      `the thread '${this.name}' ended before it answered (${reason}); what it was asked may or may not have happened`,
      { thread: this.name, reason },
    );
  }
}

function startWorker({ entry, name, start, transfer, heapMiBMax, onOutput }: ThreadOptions<Calls>): Worker {
  const worker = new Worker(entry, {
    name,
    workerData: { name, start } satisfies ThreadStart,
    transferList: [...(transfer ?? [])],
    resourceLimits: { maxYoungGenerationSizeMb: youngMiBMax, maxOldGenerationSizeMb: heapMiBMax },
    env: threadEnvironment(),
    stdout: true,
    stderr: true,
  });
  worker.stdout.setEncoding('utf8').on('data', (text: string) => onOutput('stdout', text));
  worker.stderr.setEncoding('utf8').on('data', (text: string) => onOutput('stderr', text));
  return worker;
}
