/** What is known of how an agent works, from the messages it dealt with. */
export interface Profile {
  /** Milliseconds it computes for a message: a moving average. */
  readonly executionMs: number;
  /** Messages it deals with a second, as of late. */
  readonly messagesPerSecond: number;
  /** Share of the time of a message in which it computes, 0 (it waits) to 1 (it does nothing else): a moving average. */
  readonly cpuIntensity: number;
  /** Bytes of its memory, as of its last message. */
  readonly memoryBytes: number;
  /** What its messages mostly do. */
  readonly kind: 'computing' | 'mixed' | 'waiting';
}

/** What a scheduler asks about agents, by their keys: the port for shortest job, placement, victims and admission. */
export interface Forecast {
  /** Milliseconds its next message is likely to compute. */
  executionMsOf(key: number): number;
  /** 0 to 1. */
  cpuIntensityOf(key: number): number;
  /** Messages a second it is likely to have, at a moment of the monotonic clock. */
  messagesPerSecondOf(key: number, nowMs: number): number;
  memoryBytesOf(key: number): number;
  /** Milliseconds from its begin to its end that its next message is likely to take, waits included. */
  wallMsOf(key: number): number;
  /** Whether it dealt with enough messages, the last of them not long ago, for its forecasts to be relied on. */
  isKnown(key: number, nowMs: number): boolean;
}

/** How much of a moving average the newest value is, once there were `1 / alpha`; until then each counts as much. */
const alpha = 0.1;
const countMax = 1 / alpha;
/** What is assumed of an agent nobody has seen at work. */
const executionMsFirst = 0.1;
const cpuIntensityFirst = 0.5;
/** Above the one an agent is one that computes, below the other one that waits. */
const computingMin = 0.7;
const waitingMax = 0.3;

const pageBits = 10;
const pageMask = 2 ** pageBits - 1;
const cellsPerAgent = 9;
/** Milliseconds computed for the message under way. */
const usedCell = 0;
const executionCell = 1;
/** Milliseconds from one message to the next: a moving average; 0: there was one at most. */
const gapCell = 2;
/** When the last message was done; 0: there was none. */
const lastCell = 3;
const intensityCell = 4;
const memoryCell = 5;
/** Messages it dealt with, up to `1 / alpha`: an average of fewer is their mean, whatever was assumed before. */
const countCell = 6;
/** Milliseconds from begin to end of a message: a moving average. */
const wallCell = 8;
/** What is older says nothing of what is now. */
const freshMs = 5_000;
/** Turns it had. */
const turnsCell = 7;

/** Fuel of a charge that is a whole slice: shorter ones say little of how fast fuel burns. */
const wholeSliceFuel = 500_000;
/** Milliseconds for a unit of fuel until something was measured. */
const msPerFuelFirst = 1e-7;

/**
 * Profiles of the agents of one thread, in columns of numbers by key: a message costs a few nanoseconds, and an
 * agent that never had one costs nothing.
 */
export class Profiles implements Forecast {
  readonly #pages: (Float64Array<ArrayBuffer> | undefined)[] = [];
  readonly #workload: Float64Array;
  readonly #self: number;
  #msPerFuel = msPerFuelFirst;

  /** `workload`: where all that is computed is counted, in the cell `self`. */
  constructor(workload: Float64Array = new Float64Array(1), self = 0) {
    this.#workload = workload;
    this.#self = self;
  }

  /** Fuel that burns in a millisecond on this thread, as measured. */
  get fuelPerMs(): number {
    return 1 / this.#msPerFuel;
  }

  /** An agent computed for a part of its message. @returns the milliseconds that this took, as far as can be told */
  charge(key: number, fuel: number, ms: number): number {
    const page = this.#pageOf(key);
    const at = (key & pageMask) * cellsPerAgent;
    if (fuel >= wholeSliceFuel && ms > 0) this.#msPerFuel += alpha * (ms / fuel - this.#msPerFuel);
    const fuelMs = fuel * this.#msPerFuel;
    // A wait in between hides what was computed before it, and the host's own work burns no fuel.
    const usedMs = ms > fuelMs ? ms : fuelMs;
    page[at + usedCell] = (page[at + usedCell] as number) + usedMs;
    page[at + turnsCell] = (page[at + turnsCell] as number) + 1;
    this.#workload[this.#self] = (this.#workload[this.#self] as number) + usedMs;
    return usedMs;
  }

  /** It dealt with a message, which took `wallMs` from begin to end, waits included. */
  ended(key: number, wallMs: number, memoryBytes: number, nowMs: number): void {
    const page = this.#pageOf(key);
    const at = (key & pageMask) * cellsPerAgent;
    const used = page[at + usedCell] as number;
    const share = wallMs > used ? used / wallMs : 1;
    const last = page[at + lastCell] as number;
    const gap = page[at + gapCell] as number;
    page[at + usedCell] = 0;
    const before = page[at + countCell] as number;
    const weight = before < countMax ? 1 / (before + 1) : alpha;
    if (before < countMax) page[at + countCell] = before + 1;
    page[at + executionCell] = mixed(page[at + executionCell] as number, used, weight);
    page[at + intensityCell] = mixed(page[at + intensityCell] as number, share, weight);
    page[at + wallCell] = mixed(page[at + wallCell] as number, wallMs, weight);
    // There is one gap fewer than there are messages.
    if (last !== 0) page[at + gapCell] = mixed(gap, nowMs - last, before < countMax ? 1 / before : alpha);
    page[at + lastCell] = nowMs;
    page[at + memoryCell] = memoryBytes;
  }

  /** What is known of an agent, to go on elsewhere: `unpack` takes it, on a clock of its own. */
  pack(key: number, nowMs: number): readonly number[] {
    const page = this.#pages[key >> pageBits];
    if (page === undefined) return [];
    const at = (key & pageMask) * cellsPerAgent;
    const cells = [...page.subarray(at, at + cellsPerAgent)];
    const last = cells[lastCell] as number;
    if (last !== 0) cells[lastCell] = nowMs - last;
    return cells;
  }

  unpack(key: number, cells: readonly number[], nowMs: number): void {
    if (cells.length === 0) return;
    const page = this.#pageOf(key);
    const at = (key & pageMask) * cellsPerAgent;
    page.set(cells, at);
    const silentMs = page[at + lastCell] as number;
    if (silentMs !== 0) page[at + lastCell] = nowMs - silentMs;
  }

  /** Another agent may have the key from now on. */
  forget(key: number): void {
    const page = this.#pages[key >> pageBits];
    if (page !== undefined) begin(page, key & pageMask);
  }

  executionMsOf(key: number): number {
    return this.#cell(key, executionCell) ?? executionMsFirst;
  }

  cpuIntensityOf(key: number): number {
    return this.#cell(key, intensityCell) ?? cpuIntensityFirst;
  }

  memoryBytesOf(key: number): number {
    return this.#cell(key, memoryCell) ?? 0;
  }

  wallMsOf(key: number): number {
    return this.#cell(key, wallCell) ?? 0;
  }

  isKnown(key: number, nowMs: number): boolean {
    if ((this.#cell(key, countCell) ?? 0) < countMax) return false;
    return nowMs - (this.#cell(key, lastCell) ?? 0) < freshMs;
  }

  /** Turns an agent had: parts of messages, of which each that was over within a slice is one. */
  turnsOf(key: number): number {
    return this.#cell(key, turnsCell) ?? 0;
  }

  /** Whoever has had nothing for longer than usual has less than usual. */
  messagesPerSecondOf(key: number, nowMs: number): number {
    const gap = this.#cell(key, gapCell) ?? 0;
    if (gap === 0) return 0;
    const silentMs = nowMs - (this.#cell(key, lastCell) ?? nowMs);
    return 1000 / (gap > silentMs ? gap : silentMs);
  }

  of(key: number, nowMs: number): Profile {
    const cpuIntensity = this.cpuIntensityOf(key);
    return {
      executionMs: this.executionMsOf(key),
      messagesPerSecond: this.messagesPerSecondOf(key, nowMs),
      cpuIntensity,
      memoryBytes: this.memoryBytesOf(key),
      kind: kindOf(cpuIntensity),
    };
  }

  #cell(key: number, cell: number): number | undefined {
    return this.#pages[key >> pageBits]?.[(key & pageMask) * cellsPerAgent + cell];
  }

  #pageOf(key: number): Float64Array<ArrayBuffer> {
    return this.#pages[key >> pageBits] ?? this.#newPage(key >> pageBits);
  }

  #newPage(number: number): Float64Array<ArrayBuffer> {
    const page = new Float64Array((pageMask + 1) * cellsPerAgent);
    for (let entry = 0; entry <= pageMask; entry += 1) begin(page, entry);
    while (this.#pages.length <= number) this.#pages.push(undefined);
    this.#pages[number] = page;
    return page;
  }
}

/** What messages mostly do of which an agent computes this share. */
export function kindOf(cpuIntensity: number): Profile['kind'] {
  return cpuIntensity > computingMin ? 'computing' : cpuIntensity < waitingMax ? 'waiting' : 'mixed';
}

function begin(page: Float64Array, entry: number): void {
  const at = entry * cellsPerAgent;
  page.fill(0, at, at + cellsPerAgent);
  page[at + executionCell] = executionMsFirst;
  page[at + intensityCell] = cpuIntensityFirst;
}

function mixed(mean: number, value: number, weight: number): number {
  return mean + weight * (value - mean);
}
