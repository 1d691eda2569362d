import { rmSync } from 'node:fs';
import { replaying } from '../host/host/record/replaying.ts';
import { atMost, type Bench, type Effort, type Report, round } from './report.ts';
import { median } from './samples.ts';
import { TalkingHost } from './talking-host.ts';

const recorded = '[history]\nrecord = true\n';
const agents = ['near', 'far', 'sink'] as const;
/** Messages to each, in one round. */
const count = 3_334;

/** µs a message of 64 bytes from an agent to three others in turn, with and without a history of all four. */
async function rounds(isQuick: boolean): Promise<{ plain: number[]; kept: number[]; stateFolder: string }> {
  const plain = await TalkingHost.start(2);
  const kept = await TalkingHost.start(2, {}, recorded);
  const samples: { plain: number[]; kept: number[] } = { plain: [], kept: [] };
  try {
    for (const host of [plain, kept])
      await host.install('c', [['talker', 'talker'], ...agents.map((name) => [name, 'listener'] as const)]);
    const times = isQuick ? 15 : 45;
    for (let at = -1; at < times; at += 1)
      for (const [host, into] of [
        [plain, samples.plain],
        [kept, samples.kept],
      ] as const) {
        const fromMs = performance.now();
        for (const name of agents) await host.tell('talker', `send ${count} ${name}`);
        if (at >= 0) into.push(((performance.now() - fromMs) * 1000) / (count * agents.length));
      }
    await plain.close();
    await kept.serving.close(1000);
    return { ...samples, stateFolder: kept.stateFolder };
  } catch (thrown) {
    rmSync(kept.stateFolder, { recursive: true, force: true });
    throw thrown;
  }
}

/** How many turns of an agent were the same when it ran again, and µs each. */
async function again(
  stateFolder: string,
  agent: string,
): Promise<{ same: number; other: number; us: number }> {
  const fromMs = performance.now();
  const counts = { same: 0, other: 0 };
  for await (const { kind } of replaying({ stateFolder, agent, cacheFolder: undefined }))
    counts[kind === 'same' ? 'same' : 'other'] += 1;
  return { ...counts, us: ((performance.now() - fromMs) * 1000) / (counts.same + counts.other) };
}

async function run({ quick }: Effort): Promise<Report> {
  const { plain, kept, stateFolder } = await rounds(quick);
  try {
    const replays = [];
    for (const agent of ['talker', ...agents]) replays.push({ agent, ...(await again(stateFolder, agent)) });
    const other = replays.reduce((sum, one) => sum + one.other, 0);
    const rowOf = (what: string, us: readonly number[]): string[] => [what, round(median(us)), '-', '-'];
    return {
      question,
      columns: ['64 B bodies, at least once, C', 'µs a message', 'turns the same', 'not'],
      rows: [
        rowOf('plain', plain),
        rowOf('recorded, all four agents', kept),
        ...replays.map((one) => [`${one.agent}, again`, round(one.us), String(one.same), String(one.other)]),
      ],
      marks: [
        atMost('recorded / plain', median(kept) / median(plain), 1.15, '×'),
        atMost('turns that were not the same', other, 0, ''),
      ],
      remarks: [`medians of ${plain.length} rounds of ${count * agents.length} messages, both hosts in turn`],
    };
  } finally {
    rmSync(stateFolder, { recursive: true, force: true });
  }
}

const question = 'What does recording cost, and is what was recorded the same again?';

export const bench: Bench = { name: 'replay', question, run };
