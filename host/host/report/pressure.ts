import type { Clock } from '../../clock.ts';
import type { Metric } from '../../telemetry/metric.ts';

/** What a host may have too little of. */
export type Pressed = 'memory' | 'cpu' | 'mailbox';

export type PressureLevel = 'normal' | 'warning' | 'critical';

/** How much of something is used, 0 to 1. */
export type Shares = Readonly<Record<Pressed, number>>;

export interface PressureChange {
  readonly resource: Pressed;
  readonly level: PressureLevel;
  readonly before: PressureLevel;
  /** 0 to 1. */
  readonly share: number;
}

export interface PressureOptions {
  readonly clock: Clock;
  readonly read: () => Shares;
  readonly changed: (change: PressureChange) => void;
  /** Milliseconds between two looks. Default 2,000. */
  readonly everyMs?: number;
}

const everyMsDefault = 2_000;
/** From these shares on; and how far below one of them it is over, so that it does not come and go. */
const thresholds = { warning: 0.8, critical: 0.95 } as const;
const relief = 0.05;
const ranks: readonly PressureLevel[] = ['normal', 'warning', 'critical'];

/** The level of a share, whose level was `before`. */
export function levelOf(share: number, before: PressureLevel): PressureLevel {
  const from = (level: 'warning' | 'critical'): number =>
    thresholds[level] - (ranks.indexOf(before) >= ranks.indexOf(level) ? relief : 0);
  if (share >= from('critical')) return 'critical';
  return share >= from('warning') ? 'warning' : 'normal';
}

/** Looks now and then how much of the host's memory, processors and mailboxes is used, and tells when it gets tight. */
export class Pressure {
  readonly #options: PressureOptions;
  readonly #levels: Record<Pressed, PressureLevel> = { memory: 'normal', cpu: 'normal', mailbox: 'normal' };
  readonly #end = new AbortController();
  #shares: Shares = { memory: 0, cpu: 0, mailbox: 0 };

  constructor(options: PressureOptions) {
    this.#options = options;
    void this.#run();
  }

  async #run(): Promise<void> {
    const { clock, everyMs = everyMsDefault } = this.#options;
    for (;;) {
      await clock.sleep(everyMs, this.#end.signal).catch(() => {});
      if (this.#end.signal.aborted) return;
      this.#look();
    }
  }

  #look(): void {
    this.#shares = this.#options.read();
    for (const resource of ['memory', 'cpu', 'mailbox'] as const) {
      const share = this.#shares[resource];
      const before = this.#levels[resource];
      const level = levelOf(share, before);
      if (level === before) continue;
      this.#levels[resource] = level;
      this.#options.changed({ resource, level, before, share });
    }
  }

  metrics(): readonly Metric[] {
    const each = (name: string, help: string, value: (resource: Pressed) => number): Metric => ({
      name,
      help,
      kind: 'gauge',
      samples: (Object.keys(this.#levels) as Pressed[]).map((resource) => ({
        labels: { resource },
        value: value(resource),
      })),
    });
    return [
      each('motehost_pressure', '0: normal, 1: warning, 2: critical.', (resource) =>
        ranks.indexOf(this.#levels[resource]),
      ),
      each('motehost_used_share', 'How much of it is used, 0 to 1.', (resource) => this.#shares[resource]),
    ];
  }

  close(): void {
    this.#end.abort();
  }
}
