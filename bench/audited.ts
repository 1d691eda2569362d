import { atLeast, atMost, type Bench, type Effort, type Report, round } from './report.ts';
import { median } from './samples.ts';
import { TalkingHost } from './talking-host.ts';
import { ThreadTimes } from './thread-times.ts';

const levels = ['off', 'messages'] as const;
type Level = (typeof levels)[number];

/** Microseconds a message, and the processor's of the three busiest threads: those of the agents and of the chain. */
interface Measured {
  readonly us: number[];
  readonly cpuUs: number[][];
}

interface Bout {
  readonly words: string;
  readonly count: number;
}

const ask: Bout = { words: 'ask N near', count: 4_000 };
const shout: Bout = { words: 'shout N sink', count: 40_000 };

async function open(level: Level): Promise<TalkingHost> {
  const host = await TalkingHost.start(2, { auditLevel: level });
  await host.install('c', [
    ['talker', 'talker'],
    ['sink', 'listener'],
    ['near', 'listener'],
  ]);
  await host.tell('talker', 'ask 20000 near');
  await host.tell('talker', 'shout 40000 sink');
  return host;
}

async function bout(host: TalkingHost, { words, count }: Bout, into: Measured): Promise<void> {
  const times = new ThreadTimes();
  const fromMs = performance.now();
  await host.tell('talker', words.replace('N', String(count)));
  into.us.push(((performance.now() - fromMs) * 1_000) / count);
  into.cpuUs.push(times.busiestUs().map((us) => us / count));
}

const empty = (): Measured => ({ us: [], cpuUs: [] });

/** By turns, so that what else the machine does is the same for both. */
async function run({ quick }: Effort): Promise<Report> {
  const hosts = { off: await open('off'), messages: await open('messages') };
  const asked = { off: empty(), messages: empty() };
  const shouted = { off: empty(), messages: empty() };
  try {
    for (let round = 0; round < (quick ? 10 : 40); round += 1)
      for (const level of levels) {
        await bout(hosts[level], ask, asked[level]);
        await bout(hosts[level], shout, shouted[level]);
      }
  } finally {
    for (const level of levels) await hosts[level].close();
  }
  const row = (what: string, { us, cpuUs }: Measured): string[] => [
    what,
    round(median(us)),
    round(Math.min(...us)),
    [0, 1, 2].map((at) => round(median(cpuUs.map((each) => each[at] ?? 0)))).join(' + '),
  ];
  return {
    question,
    columns: ['C agents, 64 B bodies, µs each', 'p50', 'least', 'CPU µs'],
    rows: levels.flatMap((level) => [
      row(`--audit ${level}: ask and be answered, same thread`, asked[level]),
      row(`--audit ${level}: send to the other thread, at most once`, shouted[level]),
    ]),
    marks: [
      atMost('added to an answer, same thread', median(asked.messages.us) - median(asked.off.us), 10, 'µs'),
      atLeast('messages on the chain', 1_000 / median(shouted.messages.us), 100, 'thousand/s'),
    ],
    remarks: ['An ask is three events: sent, with the SHA-256 of its body; delivered; ended, with its fuel.'],
  };
}

const question = 'What does an agent pay for a record of every message?';

export const bench: Bench = { name: 'audited', question, run };
