import { type PolicyName, policyNames } from '../host/config/scheduler-settings.ts';
import { Profiles } from '../host/scheduler/profile.ts';
import { RunQueue } from '../host/scheduler/run-queue.ts';
import { makePlot } from './plot.ts';
import { atMost, type Bench, type Effort, type Report, round } from './report.ts';

const sizes = [1_000, 10_000, 100_000, 1_000_000] as const;
const nsMax = 200;
/** A million over ten thousand at most: a tree is some levels deeper, and caches end. */
const flatMax = 3;

/** Mixes the bits of a number: costs of slices, without a table of them. */
function mixed(number: number): number {
  return (Math.imul(number, 0x9e37_79b1) >>> 12) & 0xf_ffff;
}

/** A queue in which all of so many agents want to run, of weights from 1 to 10 and in all levels if `inLevels`. */
function queueOf(policy: PolicyName, agents: number, inLevels: boolean): RunQueue {
  let nowMs = 1;
  const profiles = new Profiles();
  const queue = new RunQueue({
    policy,
    forecast: profiles,
    nowMs: () => {
      nowMs += 0.001;
      return nowMs;
    },
    rank: ({ arrivedMs, weight }) => arrivedMs - weight,
  });
  for (let key = 0; key < agents; key += 1) {
    const level = inLevels ? key % 6 : 3;
    profiles.charge(key, 0, (key % 50) / 10);
    profiles.ended(key, 5, 0, 1);
    queue.set(key, { level, weight: 1 + (key % 10), rate: 10 + (key % 100), deadlineMs: 100 + (key % 1000) });
  }
  // Not in the order of their numbers: neighbours in the queue are none in memory.
  for (let at = 0; at < agents; at += 1) queue.push((at * 7_919) % agents);
  return queue;
}

/** One decision: who is next, what it used, and that it wants to run again. */
function decide(queue: RunQueue, turns: number): void {
  for (let turn = 0; turn < turns; turn += 1) {
    const key = queue.shift();
    queue.charge(key, 100_000 + mixed(turn), 0.1);
    // Half are guests that gave way, half have another message.
    if ((turn & 1) === 0) queue.again(key);
    else queue.push(key);
  }
}

/** Nanoseconds of a decision: the middle of several rounds, after as many as there are agents. */
function nsOf(policy: PolicyName, agents: number, turns: number, inLevels: boolean): number {
  const queue = queueOf(policy, agents, inLevels);
  decide(queue, Math.max(agents, turns));
  const rounds = 9;
  const samples: number[] = [];
  for (let index = 0; index < rounds; index += 1) {
    const from = process.threadCpuUsage();
    decide(queue, turns);
    const { user, system } = process.threadCpuUsage(from);
    samples.push(((user + system) * 1_000) / turns);
  }
  return samples.sort((a, b) => a - b)[rounds >> 1] as number;
}

async function run({ quick }: Effort): Promise<Report> {
  const turns = quick ? 50_000 : 200_000;
  const figures = new Map<string, readonly number[]>();
  for (const policy of policyNames)
    figures.set(
      policy,
      sizes.map((agents) => nsOf(policy, agents, turns, false)),
    );
  figures.set(
    'fair-share, six levels',
    sizes.map((agents) => nsOf('fair-share', agents, turns, true)),
  );
  const builtIn = [...figures].filter(([name]) => name !== 'custom');
  const worstAt = (column: number): number => Math.max(...builtIn.map(([, all]) => all[column] as number));
  return {
    question,
    columns: ['ns a decision', ...sizes.map((size) => `${size / 1000} k`), '1,000 k : 10 k'],
    rows: [...figures].map(([name, all]) => [
      name,
      ...all.map(round),
      round((all[3] as number) / (all[1] as number)),
    ]),
    marks: [
      atMost('a decision among 10,000, the slowest policy', worstAt(1), nsMax, 'ns'),
      atMost('a decision among 1,000,000, the slowest policy', worstAt(3), nsMax, 'ns'),
      atMost(
        'a million against ten thousand, the steepest policy',
        Math.max(...builtIn.map(([, all]) => (all[3] as number) / (all[1] as number))),
        flatMax,
        '×',
      ),
    ],
    remarks: [
      'of the time of a core, so that what else the machine does counts less',
      'a decision: take out who is next, charge it with what it used, put it back (half as computing, half as having mail)',
      ...makePlot(
        figures,
        sizes.map((size) => `${size / 1000} k`),
        nsMax,
      ),
    ],
  };
}

const question = 'What does it cost to decide who runs next, among how many?';

export const bench: Bench = { name: 'scheduler', question, run };
