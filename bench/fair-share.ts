import { BusyHost } from './busy-host.ts';
import { atMost, type Bench, type Effort, type Report, round } from './report.ts';
import { measureSuspensions } from './suspensions.ts';
import { measureSwitches } from './switches.ts';

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

async function run({ quick }: Effort): Promise<Report> {
  const spanMs = quick ? 3_000 : 10_000;
  const fair = await shares(spanMs);
  const { lost, switchUs, slices } = await measureSwitches(quick ? 6 : 30);
  const suspension = await measureSuspensions(quick ? 3 : 8);
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
      atMost('100 that compute, of 10,000 agents, against one alone: fuel lost', lost * 100, 2, '%'),
      atMost('a switch from one guest to another, with suspend and resume', switchUs, 10, 'µs'),
    ],
    remarks: [
      `100 % is what its weight entitles an agent to; ${fair.slices} slices, ${round(fair.fuel / 1e9)} G of fuel in all`,
      `of a switch, as measured beside the same guests without a host: V8 suspends and resumes ${round(suspension.engineUs)} µs, that and a turn of the event loop ${round(suspension.eventLoopUs)} µs`,
      `a switch after each ${round(slices.us)} µs of computing; where others share the machine's caches it costs a multiple of what it does on a quiet one`,
      'fuel lost, of what a second of the process’s own time gives, is everything that is not computing: decisions, suspensions, turns of the event loop, the collector',
    ],
  };
}

const question =
  'Do 100 agents that compute get what their weights entitle them to, and what does sharing cost?';

export const bench: Bench = { name: 'fair-share', question, run };
