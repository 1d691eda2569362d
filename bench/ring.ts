import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Links, portsOf, wire } from '../host/bus/links.ts';
import { createRing, RingWriter } from '../host/bus/ring.ts';
import { systemClock } from '../host/clock.ts';
import { atLeast, type Bench, type Effort, type Report, round } from './report.ts';
import { pause, pingFrame, type RingRole, streamFrame } from './ring-frames.ts';
import { alternate, median, percentile } from './samples.ts';

const bodyBytes = 64;
const warmUp = 20_000;

/** A thread that reads, and what makes this one write `count` to it and wait until all were read. */
interface Stream {
  send(count: number): Promise<void>;
  close(): Promise<unknown>;
}

interface Reader {
  readonly worker: Worker;
  /** The next count the reader says it has reached. */
  reached(): Promise<unknown>;
}

async function startReader(role: RingRole): Promise<Reader> {
  const transferList = role.kind === 'frames' || role.kind === 'echo' ? portsOf(role.own) : [];
  const worker = new Worker(new URL('./ring-reader.ts', import.meta.url), { workerData: role, transferList });
  const failed = new Promise<never>((_, reject) => worker.once('error', reject));
  const reached = (): Promise<unknown> =>
    Promise.race([failed, new Promise((resolve) => worker.once('message', resolve))]);
  await reached();
  return { worker, reached };
}

async function rawStream(): Promise<Stream> {
  const ring = createRing();
  const { worker, reached } = await startReader({ kind: 'raw', ring });
  const writer = new RingWriter(ring);
  const body = new Uint8Array(bodyBytes).fill(7);
  return {
    send: async (count) => {
      worker.postMessage(count);
      const done = reached();
      for (let sent = 0; sent < count; sent++) {
        let at = writer.reserve(bodyBytes);
        for (let waits = 0; at === -1; waits++) {
          writer.publish();
          pause(waits);
          at = writer.reserve(bodyBytes);
        }
        writer.memory.set(body, at);
        writer.commit(bodyBytes, 0);
        if (writer.recordsUnpublished >= 64) writer.publish();
      }
      writer.publish();
      await done;
    },
    close: () => worker.terminate(),
  };
}

async function frameStream(): Promise<Stream> {
  const [own, other] = wire(2);
  if (own === undefined || other === undefined) throw new Error('bug: two threads without links');
  const { worker, reached } = await startReader({ kind: 'frames', own: other });
  const links = new Links(own, { clock: systemClock });
  links.start({ accept: () => {}, onLost: () => {} });
  const body = new Uint8Array(bodyBytes).fill(7);
  return {
    send: async (count) => {
      worker.postMessage(count);
      const done = reached();
      for (let sent = 0; sent < count; sent++) {
        links.post(1, streamFrame(sent, body));
        if (links.backlog(1).length > 256) await turn();
      }
      await done;
    },
    close: () => {
      links.close();
      return worker.terminate();
    },
  };
}

/** The same frames by structured clone, an array of `batch` to a message; 1: each alone. */
async function clonedStream(batch: number): Promise<Stream> {
  const { worker, reached } = await startReader({ kind: 'cloned' });
  const body = new Uint8Array(bodyBytes).fill(7);
  return {
    send: async (count) => {
      worker.postMessage(count);
      const done = reached();
      for (let sent = 0; sent < count; sent += batch) {
        const frames = Array.from({ length: batch }, (_, index) => streamFrame(sent + index, body.slice()));
        worker.postMessage(frames);
        if (sent % 4096 === 0) await turn();
      }
      await done;
    },
    close: () => worker.terminate(),
  };
}

/** Microseconds of each round trip, one in flight. */
async function pingLinks(trips: number): Promise<number[]> {
  const [own, other] = wire(2);
  if (own === undefined || other === undefined) throw new Error('bug: two threads without links');
  const { worker } = await startReader({ kind: 'echo', own: other });
  const links = new Links(own, { clock: systemClock });
  let answered = (): void => {};
  links.start({ accept: () => answered(), onLost: () => {} });
  const frame = pingFrame(new Uint8Array(bodyBytes));
  const us = await times(trips, (resolve) => {
    answered = resolve;
    links.post(1, frame);
  });
  links.close();
  await worker.terminate();
  return us;
}

/** As `pingLinks`, by structured clone and nothing else: what waking a thread costs. */
export async function pingPort(trips: number): Promise<number[]> {
  const { worker } = await startReader({ kind: 'echo-cloned' });
  const frame = pingFrame(new Uint8Array(bodyBytes));
  const us = await times(trips, (resolve) => {
    worker.once('message', resolve);
    worker.postMessage(frame);
  });
  await worker.terminate();
  return us;
}

/**
 * As `pingLinks`, by `Atomics.wait` and `Atomics.notify` on both sides: nothing wakes a thread sooner, and a thread
 * with an event loop cannot wait like this.
 */
export async function pingAtomics(trips: number): Promise<number[]> {
  const memory = new SharedArrayBuffer(128);
  const turns = new Int32Array(memory);
  const { worker } = await startReader({ kind: 'echo-atomic', turns: memory });
  const us: number[] = [];
  for (let trip = 0; trip < trips; trip++) {
    const fromMs = performance.now();
    Atomics.store(turns, 0, 2 * trip + 1);
    Atomics.notify(turns, 0);
    Atomics.wait(turns, 0, 2 * trip + 1);
    us.push((performance.now() - fromMs) * 1000);
  }
  await worker.terminate();
  return us.slice(trips >> 2);
}

async function times(trips: number, ask: (resolve: () => void) => void): Promise<number[]> {
  const us: number[] = [];
  for (let trip = 0; trip < trips; trip++) {
    const fromMs = performance.now();
    await new Promise<void>(ask);
    us.push((performance.now() - fromMs) * 1000);
  }
  return us.slice(trips >> 2);
}

const rawName = 'ring, bare records';
const frameName = 'links, message frames';
const cloneName = 'postMessage, message frames';
const batchName = 'postMessage, 16 message frames each';

async function run({ quick }: Effort): Promise<Report> {
  const count = quick ? 160_000 : 1_600_000;
  const clonedCount = count / 10;
  const streams = new Map<string, { stream: Stream; count: number }>([
    [rawName, { stream: await rawStream(), count }],
    [frameName, { stream: await frameStream(), count }],
    [cloneName, { stream: await clonedStream(1), count: clonedCount }],
    [batchName, { stream: await clonedStream(16), count: clonedCount }],
  ]);
  for (const { stream } of streams.values()) await stream.send(warmUp);
  const samples = await alternate(
    [...streams].map(([name, { stream, count: frames }]) => ({ name, run: () => stream.send(frames) })),
    quick ? 3 : 9,
  );
  for (const { stream } of streams.values()) await stream.close();
  const rates = new Map(
    [...streams].map(([name, { count: frames }]) => [
      name,
      frames / (median(samples.get(name) ?? []) / 1000),
    ]),
  );
  const rate = (name: string): number => rates.get(name) ?? Number.NaN;
  const trips = quick ? 500 : 8_000;
  const linksUs = await pingLinks(trips);
  const portUs = await pingPort(trips);
  const cells = (name: string, us: readonly number[] | undefined): string[] => [
    name,
    round(rate(name) / 1e6),
    round(1e9 / rate(name)),
    round(rate(name) / rate(cloneName)),
    us === undefined ? '-' : round(median(us)),
    us === undefined ? '-' : round(percentile(us, 0.99)),
  ];
  return {
    question: bench.question,
    columns: ['one way, 64 B bodies', 'M/s', 'ns each', '× postMessage', 'round trip p50 µs', 'p99 µs'],
    rows: [
      cells(rawName, undefined),
      cells(frameName, linksUs),
      cells(cloneName, portUs),
      cells(batchName, undefined),
    ],
    marks: [
      atLeast('bare records between two threads', rate(rawName) / 1e6, 3, 'M/s'),
      atLeast('message frames, beside postMessage', rate(frameName) / rate(cloneName), 4, '×'),
    ],
    remarks: [
      'a message frame has an id, subject, sender, content type and times; its reader makes a new message of it',
      'a round trip wakes a sleeping thread twice; on one core it costs 15 µs, to another 40, to a halted one 70,',
      'whatever wakes it, and the scheduler chooses: compare round trips only with the process pinned to one core',
    ],
  };
}

export const bench: Bench = {
  name: 'ring',
  question: 'How fast do messages go from one thread to another, beside postMessage?',
  run,
};
