import type { Clock } from '../../host/clock.ts';
import { Budget, meterImports, type Turn } from '../../host/engine/budget.ts';
import { exportNames, meter } from '../../host/engine/meter/meter.ts';
import { defaultLimits, type Limits } from '../../host/limits.ts';

/** Numbers without a pattern: the same ones for the same seed. */
export class Unrest {
  #state: number;

  constructor(seed: number) {
    this.#state = (Math.imul(seed, 2_654_435_761) ^ 0x9e37_79b9) | 1;
  }

  below(bound: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % bound;
  }
}

/** Time that jumps whenever it is looked at: mostly hardly, at times by more than a turn. */
export class RestlessClock implements Clock {
  readonly #unrest: Unrest;
  /** No look is further than this from the one before. */
  jumpMsMax = 30;
  #nowMs = 1_000;

  constructor(unrest: Unrest) {
    this.#unrest = unrest;
  }

  wallNs(): bigint {
    return 1_700_000_000_000_000_000n;
  }

  monotonicNs(): bigint {
    return BigInt(Math.round(this.monotonicMs() * 1e6));
  }

  monotonicMs(): number {
    const kind = this.#unrest.below(10);
    const jumpMs = kind < 6 ? 0.02 : kind < 9 ? this.#unrest.below(2_000) / 1_000 : this.#unrest.below(30);
    this.#nowMs += Math.min(jumpMs, this.jumpMsMax);
    return this.#nowMs;
  }

  /** Never over. */
  sleep(_ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
  }
}

/** Others that want the thread when they please. */
export function restlessTurn(unrest: Unrest, during: () => void = () => {}): Turn {
  return {
    isWanted: () => unrest.below(3) === 0,
    giveWay: async () => {
      during();
    },
    charge: () => {},
  };
}

/** What `host.ask` answers: for some questions it asks the guest's `g` first, as the host asks for memory. */
export function answer(a: number, b: number, g: (a: number, b: number) => unknown): number {
  const sum = (a + b) | 0;
  if (sum % 3 !== 0) return sum;
  try {
    g(a, b);
  } catch {
    // However it ended: what counts is its fuel.
  }
  return sum;
}

/** Limits that no test reaches but the one of fuel. */
export const noLimits: Limits = { ...defaultLimits, fuelMax: 2n ** 61n, deadlineMs: Number.MAX_SAFE_INTEGER };

/** Where it cannot be paused a guest is ended after a quarter of a second beside others: time hardly passes there. */
const smallMs = 0.000_001;

export interface RestlessOptions {
  readonly seed: number;
  readonly fuelMax?: bigint;
  /** Where it cannot be paused. */
  readonly isSynchronous?: boolean;
}

export interface Restless {
  readonly budget: Budget;
  readonly exports: WebAssembly.Instance['exports'];
  run(name: string, ...args: readonly number[]): Promise<unknown>;
}

/**
 * A metered core module under an account that is disturbed in every way that time can: slices of any length that
 * change, looks at the clock in host calls and while it is paused, pauses, waits, calls back into it.
 */
export async function restless(bytes: Uint8Array, options: RestlessOptions): Promise<Restless> {
  const { seed, fuelMax = noLimits.fuelMax, isSynchronous = false } = options;
  const unrest = new Unrest(seed);
  const clock = new RestlessClock(unrest);
  if (isSynchronous) clock.jumpMsMax = smallMs;
  const look = (): void => {
    for (let count = unrest.below(24); count > 0; count -= 1) budget.check();
  };
  const fuelSlice = [1n, 7n, 50n, 1_000n, 33_333n, 2_000_000n][unrest.below(6)] as bigint;
  const turn = restlessTurn(unrest, () => {
    if (budget.cause === undefined) look();
  });
  const budget = new Budget({ limits: { ...noLimits, fuelMax }, clock, fuelSlice, turn });
  const { bytes: rewritten, summary } = meter(bytes, { fuelCell: 'own' });
  const g = (a: number, b: number): unknown => {
    const { jumpMsMax } = clock;
    clock.jumpMsMax = smallMs;
    budget.synchronousDepth += 1;
    try {
      return (exports.g as WebAssembly.ExportedFunction)(a, b);
    } finally {
      budget.synchronousDepth -= 1;
      clock.jumpMsMax = jumpMsMax;
    }
  };
  const reply = (a: number, b: number): number => {
    look();
    const sum = answer(a, b, g);
    look();
    return sum;
  };
  const ask = (a: number, b: number): unknown => {
    if (isSynchronous || unrest.below(2) === 0) return reply(a, b);
    return Promise.resolve().then(() => {
      budget.waited();
      return reply(a, b);
    });
  };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(rewritten), {
    host: { ask: isSynchronous ? ask : new WebAssembly.Suspending(ask) },
    'motehost:meter': meterImports({ budget }),
  });
  const cell = exports[exportNames.fuel];
  if (!(cell instanceof WebAssembly.Global)) throw new Error('not metered');
  budget.attachFuel(cell as WebAssembly.Global<'i64'>);
  if (unrest.below(2) === 0) budget.restart();
  const run = async (name: string, ...args: readonly number[]): Promise<unknown> => {
    const core = exports[name] as WebAssembly.ExportedFunction;
    if (!isSynchronous) return WebAssembly.promising(core)(...args);
    budget.synchronousDepth += 1;
    try {
      return core(...args);
    } finally {
      budget.synchronousDepth -= 1;
    }
  };
  if (summary.hasStart) await run(exportNames.start);
  return { budget, exports, run };
}
