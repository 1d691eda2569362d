import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { Frame } from '../../host/bus/frame.ts';
import { Links, type LinksOptions, portsOf, rewire, wire } from '../../host/bus/links.ts';
import { systemClock } from '../../host/clock.ts';
import { frames, messageOf } from '../support/frames.ts';
import { fc } from '../support/properties.ts';

const opened: Links[] = [];

afterEach(() => {
  for (const links of opened.splice(0)) links.close();
});

interface Joined {
  readonly links: Links;
  readonly arrived: { frame: Frame; from: number }[];
  readonly lost: { thread: number; framesDropped: number }[];
  /** Resolves when so many have arrived. */
  count(frames: number): Promise<void>;
  start(): void;
}

function join(own: ReturnType<typeof wire>[number] | undefined, options: Partial<LinksOptions> = {}): Joined {
  assert.ok(own !== undefined);
  const links = new Links(own, { clock: systemClock, ...options });
  opened.push(links);
  const arrived: Joined['arrived'] = [];
  const lost: Joined['lost'] = [];
  let wanted = { frames: 0, resolve: (): void => {} };
  return {
    links,
    arrived,
    lost,
    count: (frames) =>
      new Promise((resolve) => {
        wanted = { frames, resolve };
        if (arrived.length >= frames) resolve();
      }),
    start: () =>
      links.start({
        accept: (frame, from) => {
          arrived.push({ frame, from });
          if (arrived.length === wanted.frames) wanted.resolve();
        },
        onLost: (thread, framesDropped) => lost.push({ thread, framesDropped }),
      }),
  };
}

/** Two threads' ends, both in this one. */
function joinTwo(ringBytes: number, options: Partial<LinksOptions> = {}): [Joined, Joined] {
  const [a, b] = wire(2, ringBytes);
  const both: [Joined, Joined] = [join(a, options), join(b, options)];
  both[0].start();
  both[1].start();
  return both;
}

test('frames of every kind arrive as they left, in order, through a ring far smaller than they are', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(frames, { minLength: 1, maxLength: 60 }), async (sent) => {
      const [a, b] = joinTwo(512);
      for (const frame of sent) assert.ok(a.links.post(1, frame));
      await b.count(sent.length);
      assert.deepStrictEqual(
        b.arrived.map(({ frame }) => frame),
        sent,
      );
      assert.deepEqual(a.links.backlog(1).bytes, 0);
      a.links.close();
      b.links.close();
    }),
    { numRuns: 60 },
  );
});

test('a body of many times the ring arrives whole, between two short ones', async () => {
  const [a, b] = joinTwo(65_536);
  const body = new Uint8Array(5_000_001).map((_, index) => index * 7);
  const sent = [messageOf(1, new Uint8Array(3)), messageOf(2, body), messageOf(3, new Uint8Array(3))];
  for (const frame of sent) a.links.post(1, frame);
  await b.count(3);
  assert.deepStrictEqual(
    b.arrived.map(({ frame }) => frame),
    sent,
  );
});

test('a full backlog takes no more, and takes again when the reader has read', async () => {
  const [own, other] = wire(2, 4096);
  const a = join(own, { backlogBytesMax: 10_000 });
  const b = join(other);
  let posted = 0;
  while (a.links.post(1, messageOf(posted, new Uint8Array(500)))) posted += 1;
  assert.ok(posted > 15 && posted < 30, String(posted));
  assert.ok(a.links.backlog(1).bytes <= 10_000 && a.links.backlog(1).bytes > 9_000);
  a.start();
  b.start();
  await b.count(posted);
  assert.deepEqual(
    b.arrived.map(({ frame }) => frame.kind === 'message' && frame.to[0]),
    Array.from({ length: posted }, (_, index) => index),
  );
  assert.ok(a.links.post(1, messageOf(posted, new Uint8Array(500))));
  await b.count(posted + 1);
});

test('pending says whether there is something to read, and only after it was shown', () => {
  const [own, other] = wire(2);
  const a = join(own);
  const b = join(other);
  assert.equal(b.links.pending(), false);
  a.links.post(1, messageOf(1, new Uint8Array(1)));
  assert.equal(b.links.pending(), false);
  a.links.flush();
  assert.equal(b.links.pending(), true);
  assert.equal(a.links.pending(), false);
});

test('what was posted is shown at the end of the turn without a flush', async () => {
  const [a, b] = joinTwo(4096);
  a.links.post(1, messageOf(1, new Uint8Array(1)));
  await new Promise((resolve) => setImmediate(resolve));
  // The other end is on this thread and may have had its turn.
  assert.ok(b.links.pending() || b.arrived.length === 1);
  await b.count(1);
});

test('a flood leaves I/O its turns', async () => {
  const [a, b] = joinTwo(1 << 20, { drainFramesMax: 64 });
  for (let frame = 0; frame < 2_000; frame++) a.links.post(1, messageOf(frame, new Uint8Array(8)));
  let turns = 0;
  const turn = (): void => {
    turns += 1;
    if (b.arrived.length < 2_000) setImmediate(turn);
  };
  turn();
  await b.count(2_000);
  assert.ok(turns > 2_000 / 64 / 2, String(turns));
});

test('a frame that its receiver chokes on does not take the next ones with it', async () => {
  const [own, other] = wire(2);
  assert.ok(other !== undefined);
  const a = join(own);
  a.start();
  const worker = new Worker(new URL('../support/link-echo.ts', import.meta.url), {
    workerData: { ...other, chokeAt: 1 },
    transferList: portsOf(other),
  });
  for (let frame = 0; frame < 4; frame++) a.links.post(1, messageOf(frame, new Uint8Array(0)));
  await a.count(3);
  assert.deepEqual(
    a.arrived.map(({ frame }) => frame.kind === 'message' && frame.to[0]),
    [0, 2, 3],
  );
  await worker.terminate();
});

test('a lost thread: what it said arrives, what waited for it is counted, its successor is linked', async () => {
  const plan = wire(3, 4096);
  const [a, lost, c] = plan.map((own) => join(own));
  assert.ok(a !== undefined && lost !== undefined && c !== undefined);
  a.start();
  c.start();
  lost.links.post(0, messageOf(1, new Uint8Array(1)));
  lost.links.flush();
  let posted = 0;
  while (a.links.backlog(1).length < 5) a.links.post(1, messageOf(posted++, new Uint8Array(100)));
  lost.links.close();
  const { own, others } = rewire(
    1,
    plan.map(({ door }) => door),
    4096,
  );
  for (const [thread, end] of others) (thread === 0 ? a : c).links.relink(end);
  assert.deepEqual(
    a.arrived.map(({ from }) => from),
    [1],
  );
  assert.deepEqual(a.lost, [{ thread: 1, framesDropped: 5 }]);
  assert.deepEqual(c.lost, [{ thread: 1, framesDropped: 0 }]);
  assert.equal(a.links.backlog(1).length, 0);
  a.links.post(1, messageOf(77, new Uint8Array(2)));
  const successor = join(own);
  successor.start();
  await successor.count(1);
  assert.deepEqual(successor.arrived[0], { frame: messageOf(77, new Uint8Array(2)), from: 0 });
  successor.links.post(2, messageOf(78, new Uint8Array(3)));
  await c.count(1);
  assert.equal(c.arrived[0]?.from, 1);
});

test('two threads that answer each other across bursts and naps lose nothing and never hang', async () => {
  const [own, other] = wire(2, 16_384);
  assert.ok(own !== undefined && other !== undefined);
  const worker = new Worker(new URL('../support/link-echo.ts', import.meta.url), {
    workerData: other,
    transferList: portsOf(other),
  });
  const links = new Links(own, { clock: systemClock });
  opened.push(links);
  const total = 60_000;
  let next = 0;
  let answered = 0;
  let wrong = 0;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  worker.once('error', reject);
  const burst = (): void => {
    const end = Math.min(total, next + 1 + ((next * 31) % 400));
    for (; next < end; next++) links.post(1, messageOf(next, new Uint8Array(next % 700).fill(next)));
  };
  links.start({
    accept: (frame) => {
      assert.ok(frame.kind === 'message');
      const { body } = frame.message;
      if (frame.to[0] !== answered || body.length !== answered % 700) wrong += 1;
      if (!body.every((byte) => byte === (answered & 0xff))) wrong += 1;
      answered += 1;
      if (answered === total) resolve();
      // Only when everything was answered: both sides are asleep by then, or about to be.
      else if (answered === next) burst();
    },
    onLost: () => {},
  });
  burst();
  await promise;
  assert.equal(wrong, 0);
  await worker.terminate();
});

test('threads that look before they sleep lose nothing, whenever what comes comes', async () => {
  const [own, other] = wire(2, 16_384);
  assert.ok(own !== undefined && other !== undefined);
  const worker = new Worker(new URL('../support/link-echo.ts', import.meta.url), {
    workerData: { ...other, spinUsMax: 50 },
    transferList: portsOf(other),
  });
  const links = new Links(own, { clock: systemClock, spinUsMax: 50 });
  opened.push(links);
  const total = 4_000;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  worker.once('error', reject);
  let next = 0;
  /** After as many microseconds as the other end may have given up looking in, or be just about to. */
  const ask = (): void => {
    const untilMs = performance.now() + ((next * 37) % 200) / (next % 3 === 0 ? 1_000 : 10_000);
    while (performance.now() < untilMs) Atomics.pause();
    links.post(1, messageOf(next, new Uint8Array(next % 70)));
  };
  links.start({
    accept: (frame) => {
      if (frame.kind !== 'message' || frame.to[0] !== next) reject(new Error(`lost ${next}`));
      next += 1;
      if (next === total) resolve();
      // Some in the turn in which the answer came, some in a later one.
      else if (next % 2 === 0) ask();
      else setImmediate(ask);
    },
    onLost: () => {},
  });
  ask();
  await promise;
  await worker.terminate();
});
