import { BusyHost } from './busy-host.ts';
import { median } from './samples.ts';

const agents = 10_000;
const many = 100;
/** Bytes of a message of each of the many: some milliseconds of computing. One alone has as much as all together. */
const bytes = 600;
const usPerSecond = 1e6;

interface Sample {
  readonly cpuUs: number;
  readonly fuel: number;
  /** Ends of slices at which a guest gave way. */
  readonly slices: number;
}

/** What it costs that many compute instead of one. */
export interface Switches {
  /** Share of the fuel that a second of the process's own time gives to one alone. */
  readonly lost: number;
  readonly switchUs: number;
  readonly slices: { readonly us: number };
}

async function sample(host: BusyHost, act: () => Promise<number>): Promise<Sample> {
  const before = await host.turns();
  const from = process.cpuUsage();
  const fuel = await act();
  const { user, system } = process.cpuUsage(from);
  const { slices } = await host.turns();
  return { cpuUs: user + system, fuel, slices: slices - before.slices };
}

/**
 * The same work by one agent and by a hundred in turn, in one host and one after the other, each time with the two in
 * the middle: what the machine does meanwhile is alike for both.
 */
export async function measureSwitches(rounds: number): Promise<Switches> {
  const host = await BusyHost.start();
  try {
    const names = (await host.install('toil', 'toil', agents, '')).slice(0, many);
    const alone = (): Promise<Sample> => sample(host, () => host.toil('toil', bytes * many));
    const together = (): Promise<Sample> =>
      sample(host, async () => {
        const used = await Promise.all(names.map((name) => host.toil(name, bytes)));
        return used.reduce((sum, one) => sum + one, 0);
      });
    await alone();
    await together();
    const found: Switches[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const first = await alone();
      const second = await together();
      const third = await together();
      const last = await alone();
      found.push(compared(added(first, last), added(second, third)));
    }
    return {
      lost: median(found.map(({ lost }) => lost)),
      switchUs: median(found.map(({ switchUs }) => switchUs)),
      slices: { us: median(found.map(({ slices }) => slices.us)) },
    };
  } finally {
    await host.close();
  }
}

function added(one: Sample, other: Sample): Sample {
  return {
    cpuUs: one.cpuUs + other.cpuUs,
    fuel: one.fuel + other.fuel,
    slices: one.slices + other.slices,
  };
}

function compared(alone: Sample, together: Sample): Switches {
  const lost = 1 - together.fuel / together.cpuUs / (alone.fuel / alone.cpuUs);
  const perSecond = ({ slices, cpuUs }: Sample): number => (slices * usPerSecond) / cpuUs;
  return {
    lost,
    switchUs: (lost * usPerSecond) / (perSecond(together) - perSecond(alone)),
    slices: { us: together.cpuUs / together.slices },
  };
}
