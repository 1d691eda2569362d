import { Wheel } from '../host/clock/wheel.ts';
import { systemClock } from '../host/clock.ts';
import { Channel } from '../host/orchestration/channel.ts';
import { spread } from '../host/orchestration/gossip.ts';
import { Leases } from '../host/orchestration/leases.ts';
import { gatherQuorum } from '../host/orchestration/quorum.ts';
import { Shards } from '../host/orchestration/shards.ts';
import { Signals } from '../host/orchestration/signals.ts';
import { Waits } from '../host/orchestration/waits.ts';
import { atMost, type Bench, type Effort, type Report, round } from './report.ts';
import { median } from './samples.ts';
import { TeamHost } from './team-host.ts';

interface Value {
  readonly n: number;
}

const value: Value = { n: 1 };

function newWheel(): Wheel {
  return new Wheel({ nowMs: () => systemClock.monotonicMs() });
}

/** Nanoseconds of one of `steps` in each of `rounds`, median of the rounds. */
function nsPer(rounds: number, steps: number, run: (steps: number) => void): number {
  const samples: number[] = [];
  run(steps);
  for (let at = 0; at < rounds; at += 1) {
    const startedMs = performance.now();
    run(steps);
    samples.push(((performance.now() - startedMs) * 1e6) / steps);
  }
  return median(samples);
}

async function nsPerAwaited(
  rounds: number,
  steps: number,
  run: (steps: number) => Promise<void>,
): Promise<number> {
  const samples: number[] = [];
  for (let at = 0; at < rounds; at += 1) {
    const startedMs = performance.now();
    await run(steps);
    samples.push(((performance.now() - startedMs) * 1e6) / steps);
  }
  return median(samples);
}

function onePutAndTake(channel: Channel<Value>): (steps: number) => void {
  return (steps) => {
    for (let step = 0; step < steps; step += 1) {
      channel.tryPut(value);
      channel.tryTake();
    }
  };
}

function putAndTake(channel: Channel<Value>, burst: number): (steps: number) => void {
  return (steps) => {
    for (let step = 0; step < steps; step += burst) {
      for (let at = 0; at < burst; at += 1) channel.tryPut(value);
      for (let at = 0; at < burst; at += 1) channel.tryTake();
    }
  };
}

async function handsOver(steps: number): Promise<void> {
  const channel = new Channel<Value>({ valuesMax: 16, waits: new Waits(newWheel()) });
  const taking = (async () => {
    for (let step = 0; step < steps; step += 1) await channel.take(1e6);
  })();
  for (let step = 0; step < steps; step += 1) await channel.put(value, 1e6);
  await taking;
}

const words = ['go', 'halt', 'flush', 'price'];

function raiseAndTake(steps: number): void {
  const signals = new Signals(new Waits(newWheel()));
  for (let step = 0; step < steps; step += 1) {
    const word = words[step & 3] ?? '';
    signals.raise(word, 'ada');
    signals.take(word);
  }
}

function acquireAndRelease(steps: number): void {
  const wheel = newWheel();
  const leases = new Leases({ clock: systemClock, wheel, waits: new Waits(wheel) });
  for (let step = 0; step < steps; step += 1) {
    const lease = leases.tryAcquire('door', 'ada', 10_000);
    if (typeof lease !== 'string') leases.release('door', lease.token);
  }
}

async function quorums(steps: number): Promise<void> {
  const voters = ['a', 'b', 'c', 'd', 'e'];
  for (let step = 0; step < steps; step += 1)
    await gatherQuorum<string>({
      voters,
      threshold: 'majority',
      keyOf: (answer) => answer,
      ask: async () => 'yes',
      timeout: (signal) => systemClock.sleep(1000, signal),
    });
}

async function broadcasts(steps: number): Promise<void> {
  const members = Array.from({ length: 100 }, (_, index) => `m${index}`);
  for (let step = 0; step < steps; step += 1)
    await spread({ kind: 'mesh', members, origin: 'm0', random: Math.random, tell: () => true });
}

/** Per cent of the keys that another shard beside ten takes. */
function movedShare(keys: readonly string[]): number {
  const names = Array.from({ length: 10 }, (_, index) => `shard-${index}`);
  const [before, after] = [new Shards(names), new Shards([...names, 'shard-10'])];
  return (100 * keys.filter((key) => before.of(key) !== after.of(key)).length) / keys.length;
}

/** Microseconds of what agents of a serving host ask, by what they ask. */
async function byAgents(threads: number, quick: boolean): Promise<Readonly<Record<string, number>>> {
  const host = await TeamHost.start(threads);
  const rounds = quick ? 3 : 9;
  try {
    return {
      vote: await host.usOf('vote', 100, rounds),
      pass: await host.usOf('pass', 200, rounds),
      hold: await host.usOf('hold', 200, rounds),
      make: await host.usOf('make', 50, rounds),
    };
  } finally {
    await host.close();
  }
}

async function run({ quick }: Effort): Promise<Report> {
  const rounds = quick ? 5 : 15;
  const steps = quick ? 200_000 : 2_000_000;
  const waits = new Waits(newWheel());
  const shallow = nsPer(rounds, steps, onePutAndTake(new Channel({ valuesMax: 1024, waits })));
  const bursts = nsPer(rounds, steps, putAndTake(new Channel({ valuesMax: 1024, waits }), 1000));
  const backlog = new Channel<Value>({ valuesMax: 65_536, waits });
  for (let at = 0; at < 50_000; at += 1) backlog.tryPut(value);
  const standing = nsPer(rounds, steps, onePutAndTake(backlog));
  const awaited = await nsPerAwaited(rounds, steps / 20, handsOver);
  const signal = nsPer(rounds, steps, raiseAndTake);
  const lease = nsPer(rounds, steps / 10, acquireAndRelease);
  const shards = new Shards(Array.from({ length: 10 }, (_, index) => `shard-${index}`));
  const keys = Array.from({ length: 20_000 }, (_, index) => `SYM${index}`);
  const shard = nsPer(rounds, keys.length, () => {
    for (const key of keys) shards.of(key);
  });
  const quorum = await nsPerAwaited(rounds, 2000, quorums);
  const broadcast = await nsPerAwaited(rounds, 50, broadcasts);
  const moved = movedShare(keys);
  const { vote = 0, pass = 0, hold = 0, make = 0 } = await byAgents(1, quick);
  const { vote: spreadVote = 0 } = await byAgents(2, quick);
  const us = (value: number): string => round(value * 1000);
  return {
    question: 'what do channels, signals, leases, votes and shards cost by themselves, and for agents?',
    columns: ['', 'ns'],
    rows: [
      ['channel: put and take', round(shallow)],
      ['channel: put and take, in bursts of 1,000', round(bursts)],
      ['channel: put and take behind 50,000 others', round(standing)],
      ['channel: put and take, both awaited', round(awaited)],
      ['signal: raise and take', round(signal)],
      ['lease: acquire and release', round(lease)],
      ['shard: one key among 10', round(shard)],
      ['quorum of 5 that answer at once', round(quorum)],
      ['broadcast to a mesh of 100', round(broadcast)],
      ['agents: quorum of 5 in one thread', us(vote)],
      ['agents: quorum of 5 in two threads', us(spreadVote)],
      ['agents: put and take by the home of names', us(pass)],
      ['agents: acquire and release a lease, on disk', us(hold)],
      ['agents: spawn and end', us(make)],
      ['keys that an 11th shard takes, %', round(moved)],
    ],
    marks: [
      atMost('channel put and take', Math.max(shallow, bursts), 15, 'ns'),
      atMost('signal', signal, 150, 'ns'),
      atMost('quorum of 5 agents in one thread', vote / 1000, 1, 'ms'),
      atMost('keys moved by an 11th shard', moved, 12, '%'),
    ],
    remarks: [
      'without agents: signals are raised and taken, leases have no disk; agents: every check on, no audit',
    ],
  };
}

export const bench: Bench = {
  name: 'orchestration',
  question: 'what do channels, signals, leases, votes and shards cost by themselves, and for agents?',
  run,
};
