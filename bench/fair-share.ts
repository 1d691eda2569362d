import { BusyHost } from './busy-host.ts';
import { atMost, type Bench, type Effort, type Report, round } from './report.ts';
import { median } from './samples.ts';

const weightsMax = 10;
const perWeight = 10;

/** Fuel that agents of one weight got, against what their weights entitle them to. */
interface Share {
  readonly weight: number;
  readonly ratios: readonly number[];
}

async function shares(spanMs: number): Promise<{ shares: readonly Share[]; fuel: number; slices: number }> {
  const host = await BusyHost.start();
  try {
    const weighted: { weight: number; name: string }[] = [];
    for (let weight = 1; weight <= weightsMax; weight += 1)
      for (const name of await host.install('loop', `w${weight}`, perWeight, `weight = ${weight}`, spanMs))
        weighted.push({ weight, name });
    // Everybody has an instance when it begins.
    await Promise.all(weighted.map(({ name }) => host.begin(name)));
    const before = await host.turns();
    const used = await Promise.all(weighted.map(({ name }) => host.burn(name)));
    const { slices } = await host.turns();
    const fuel = used.reduce((sum, one) => sum + one, 0);
    const weights = weighted.reduce((sum, { weight }) => sum + weight, 0);
    const ratioOf = (at: number): number =>
      (used[at] ?? 0) / ((fuel * (weighted[at]?.weight ?? 0)) / weights);
    const all = Array.from({ length: weightsMax }, (_, index) => ({
      weight: index + 1,
      ratios: weighted.flatMap(({ weight }, at) => (weight === index + 1 ? [ratioOf(at)] : [])),
    }));
    return { shares: all, fuel, slices: slices - before.slices };
  } finally {
    await host.close();
  }
}

/** Fuel and ends of slices a second of the process's own time, of so many loops at once among so many agents. */
async function rate(
  loops: number,
  agents: number,
  spanMs: number,
): Promise<{ fuel: number; slices: number }> {
  const host = await BusyHost.start();
  try {
    const names = await host.install('loop', 'loop', agents, '', spanMs);
    await Promise.all(names.slice(0, loops).map((name) => host.begin(name)));
    const before = await host.turns();
    const from = process.cpuUsage();
    const used = await Promise.all(names.slice(0, loops).map((name) => host.burn(name)));
    const { user, system } = process.cpuUsage(from);
    const after = await host.turns();
    const seconds = (user + system) / 1e6;
    const fuel = used.reduce((sum, one) => sum + one, 0);
    return { fuel: fuel / seconds, slices: (after.slices - before.slices) / seconds };
  } finally {
    await host.close();
  }
}

async function run({ quick }: Effort): Promise<Report> {
  const spanMs = quick ? 3_000 : 10_000;
  const fair = await shares(spanMs);
  const rounds = quick ? 1 : 3;
  const alone: number[] = [];
  const many: number[] = [];
  const switches: number[] = [];
  for (let at = 0; at < rounds; at += 1) {
    const one = await rate(1, 1, quick ? 1_000 : 3_000);
    const all = await rate(100, 10_000, quick ? 2_000 : 3_000);
    alone.push(one.fuel);
    many.push(all.fuel);
    switches.push(all.slices - one.slices);
  }
  const lost = 1 - median(many) / median(alone);
  const switchUs = (lost * 1e6) / median(switches);
  const worst = Math.max(...fair.shares.flatMap(({ ratios }) => ratios.map((ratio) => Math.abs(ratio - 1))));
  return {
    question,
    columns: ['weight', 'its share on average', 'the least', 'the most'],
    rows: fair.shares.map(({ weight, ratios }) => [
      String(weight),
      ...[
        ratios.reduce((sum, one) => sum + one, 0) / ratios.length,
        Math.min(...ratios),
        Math.max(...ratios),
      ].map((ratio) => `${round(ratio * 100)} %`),
    ]),
    marks: [
      atMost(`away from its share, the worst of 100, over ${spanMs / 1000} s`, worst * 100, 3, '%'),
      atMost('100 loops of 10,000 agents against one alone: fuel lost', lost * 100, 2, '%'),
      atMost('a switch from one guest to another, with suspend and resume', switchUs, 10, 'µs'),
    ],
    remarks: [
      `100 % is what its weight entitles an agent to; ${fair.slices} slices, ${round(fair.fuel / 1e9)} G of fuel in all`,
      'fuel lost, of what a second of the process’s own time gives, is everything that is not computing: decisions, suspensions, turns of the event loop, the collector',
    ],
  };
}

const question =
  'Do 100 agents that compute get what their weights entitle them to, and what does sharing cost?';

export const bench: Bench = { name: 'fair-share', question, run };
