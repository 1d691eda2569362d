import type { Wheel } from '../clock/wheel.ts';
import type { Clock } from '../clock.ts';
import { WaitLine, type Waits } from './waits.ts';

/** A right to something named, for a while. */
export interface Lease {
  readonly name: string;
  readonly holder: string;
  /** Greater than that of every lease before, of whatever name: who checks it turns away whoever is late. */
  readonly token: number;
  /** On the monotonic clock. */
  readonly expiresAtMs: number;
}

/** A lease as it outlives the process. */
export interface KeptLease {
  readonly name: string;
  readonly holder: string;
  readonly token: number;
  /** Milliseconds since 1970. */
  readonly expiresWallMs: number;
}

/** Where leases outlive the process. What `reserve` was told must be there after any end of it, however sudden. */
export interface LeaseStore {
  readonly leases: readonly KeptLease[];
  /** Tokens up to this one may have been given. */
  readonly reserved: number;
  /** @throws HostError `HOST_ERR_STATE_UNWRITABLE` */
  put(lease: KeptLease): void;
  /** Does not throw: a lease that stays on disk is over when its time is. */
  remove(name: string): void;
  /** Tokens up to this one will be given. @throws HostError `HOST_ERR_STATE_UNWRITABLE` */
  reserve(token: number): void;
}

/** Why there is no lease. */
export type LeaseRefusal = 'held' | 'lost' | 'cancelled' | 'refused' | 'full';

export type LeaseEnd = 'expired' | 'released' | 'removed';

export interface LeasesOptions {
  readonly clock: Clock;
  readonly wheel: Wheel;
  readonly waits: Waits;
  readonly store?: LeaseStore | undefined;
  /** Leases at a time; default 100,000. */
  readonly leasesMax?: number;
  /** Whether somebody may hold so many; none: as many as there are. */
  readonly mayHold?: ((holder: string, leases: number) => boolean) | undefined;
  /** A lease is over, and nobody holds it for the moment. */
  readonly onEnd?: (lease: Lease, end: LeaseEnd) => void;
}

interface Held {
  lease: Lease;
  readonly number: number;
  timer: number;
}

export const leaseTtlMsMin = 10;
export const leaseTtlMsMax: number = 7 * 24 * 3600 * 1000;
const tokensPerReservation = 1_000;

/**
 * Who holds what, one holder at a time. A lease ends when its time is over, whether its holder is there or not; the
 * next one gets a greater token.
 */
export class Leases {
  readonly #options: LeasesOptions;
  readonly #leasesMax: number;
  readonly #held = new Map<string, Held>();
  readonly #numbers = new Map<number, string>();
  /** How many each holder has. */
  readonly #counts = new Map<string, number>();
  readonly #lines = new Map<string, WaitLine<never>>();
  readonly #kind: number;
  #number = 0;
  #token: number;
  #reserved: number;

  constructor(options: LeasesOptions) {
    const { wheel, store, leasesMax = 100_000 } = options;
    this.#options = options;
    this.#leasesMax = leasesMax;
    this.#kind = wheel.kind((number) => this.#due(number));
    this.#reserved = store?.reserved ?? 0;
    this.#token = Math.max(this.#reserved, ...(store?.leases ?? []).map(({ token }) => token));
    for (const kept of store?.leases ?? []) this.#restore(kept);
  }

  get size(): number {
    return this.#held.size;
  }

  /** Undefined: nobody holds it. */
  get(name: string): Lease | undefined {
    return this.#current(name)?.lease;
  }

  /** Those of one holder. */
  of(holder: string): readonly Lease[] {
    return [...this.#held.values()].map(({ lease }) => lease).filter((lease) => lease.holder === holder);
  }

  /** Takes it if nobody has it; whoever has it himself is told `held` as well: he renews it. */
  tryAcquire(name: string, holder: string, ttlMs: number): Lease | 'held' | 'full' {
    // Those who wait were here before.
    if (this.#current(name) !== undefined || this.#lines.get(name)?.isEmpty === false) return 'held';
    if (this.#held.size >= this.#leasesMax || !this.#mayHoldOneMore(holder)) return 'full';
    return this.#grant(name, holder, ttlMs);
  }

  /** As `tryAcquire`, and waits for it at most `waitMs`, in the order in which they come. */
  async acquire(
    name: string,
    holder: string,
    ttlMs: number,
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<Lease | LeaseRefusal> {
    const now = this.tryAcquire(name, holder, ttlMs);
    if (now !== 'held' || waitMs <= 0) return now;
    const line = this.#lineOf(name);
    const [end] = await line.wait(waitMs, signal);
    if (end !== 'came') {
      if (line.isEmpty && this.#lines.get(name) === line) this.#lines.delete(name);
      return end === 'cancelled' || end === 'refused' ? end : 'held';
    }
    return this.#takeOver(name, holder, ttlMs, signal);
  }

  /** Its turn has come; the lease is kept for it until here. */
  #takeOver(name: string, holder: string, ttlMs: number, signal?: AbortSignal): Lease | LeaseRefusal {
    this.#offered.delete(name);
    const isWanted = signal?.aborted !== true;
    if (isWanted && this.#mayHoldOneMore(holder)) return this.#grant(name, holder, ttlMs);
    this.#offer(name);
    return isWanted ? 'full' : 'cancelled';
  }

  #mayHoldOneMore(holder: string): boolean {
    const { mayHold } = this.#options;
    return mayHold === undefined || mayHold(holder, (this.#counts.get(holder) ?? 0) + 1);
  }

  /** Names that are free and about to be taken by whoever waited longest. */
  readonly #offered = new Set<string>();

  /** Holds it longer, from now. The token stays. */
  renew(name: string, token: number, ttlMs: number): Lease | 'lost' {
    const held = this.#current(name);
    if (held === undefined || held.lease.token !== token) return 'lost';
    const { clock, wheel, store } = this.#options;
    const expiresAtMs = clock.monotonicMs() + clamped(ttlMs);
    const lease = { ...held.lease, expiresAtMs };
    store?.put(this.#kept(lease));
    held.lease = lease;
    wheel.cancel(held.timer);
    held.timer = wheel.arm(this.#kind, held.number, expiresAtMs);
    return lease;
  }

  /** False: it was lost before. */
  release(name: string, token: number): boolean {
    const held = this.#current(name);
    if (held === undefined || held.lease.token !== token) return false;
    this.#end(held, 'released');
    return true;
  }

  /** The holder is no more: all that it held is free. */
  endOf(holder: string): void {
    for (const held of [...this.#held.values()]) if (held.lease.holder === holder) this.#end(held, 'removed');
  }

  /** Leases are told to nobody any more; they stay where they outlive the process. */
  close(): void {
    for (const { timer } of this.#held.values()) this.#options.wheel.cancel(timer);
  }

  #restore({ name, holder, token, expiresWallMs }: KeptLease): void {
    const { clock } = this.#options;
    const leftMs = Math.min(leaseTtlMsMax, expiresWallMs - Number(clock.wallNs() / 1_000_000n));
    const lease = { name, holder, token, expiresAtMs: clock.monotonicMs() + Math.max(0, leftMs) };
    this.#hold(lease);
  }

  #grant(name: string, holder: string, ttlMs: number): Lease {
    const { clock, store } = this.#options;
    if (this.#token >= this.#reserved) {
      store?.reserve(this.#token + tokensPerReservation);
      this.#reserved = this.#token + tokensPerReservation;
    }
    this.#token += 1;
    const lease = { name, holder, token: this.#token, expiresAtMs: clock.monotonicMs() + clamped(ttlMs) };
    store?.put(this.#kept(lease));
    this.#hold(lease);
    return lease;
  }

  #hold(lease: Lease): void {
    do this.#number = (this.#number + 1) | 0;
    while (this.#numbers.has(this.#number));
    const timer = this.#options.wheel.arm(this.#kind, this.#number, lease.expiresAtMs);
    this.#held.set(lease.name, { lease, number: this.#number, timer });
    this.#numbers.set(this.#number, lease.name);
    this.#count(lease.holder, 1);
  }

  /** What is over by the clock is over, though the wheel has not turned. */
  #current(name: string): Held | undefined {
    if (this.#offered.has(name)) return taken;
    const held = this.#held.get(name);
    if (held === undefined || this.#options.clock.monotonicMs() < held.lease.expiresAtMs) return held;
    this.#end(held, 'expired');
    return this.#offered.has(name) ? taken : undefined;
  }

  #due(number: number): void {
    const name = this.#numbers.get(number);
    if (name !== undefined) this.#current(name);
  }

  #end(held: Held, end: LeaseEnd): void {
    const { wheel, store, onEnd } = this.#options;
    const { name } = held.lease;
    wheel.cancel(held.timer);
    this.#held.delete(name);
    this.#numbers.delete(held.number);
    this.#count(held.lease.holder, -1);
    store?.remove(name);
    this.#offer(name);
    onEnd?.(held.lease, end);
  }

  #count(holder: string, by: 1 | -1): void {
    const count = (this.#counts.get(holder) ?? 0) + by;
    if (count > 0) this.#counts.set(holder, count);
    else this.#counts.delete(holder);
  }

  #offer(name: string): void {
    const line = this.#lines.get(name);
    const first = line?.first;
    if (line === undefined || first === undefined) return;
    this.#offered.add(name);
    line.give(first);
    if (line.isEmpty) this.#lines.delete(name);
  }

  #lineOf(name: string): WaitLine<never> {
    let line = this.#lines.get(name);
    if (line === undefined) {
      line = new WaitLine<never>(this.#options.waits);
      this.#lines.set(name, line);
    }
    return line;
  }

  #kept({ name, holder, token, expiresAtMs }: Lease): KeptLease {
    const { clock } = this.#options;
    const wallMs = Number(clock.wallNs() / 1_000_000n);
    return { name, holder, token, expiresWallMs: wallMs + expiresAtMs - clock.monotonicMs() };
  }
}

/** Stands for a lease between two holders. */
const taken: Held = {
  lease: { name: '', holder: '', token: 0, expiresAtMs: Number.POSITIVE_INFINITY },
  number: 0,
  timer: 0,
};

function clamped(ttlMs: number): number {
  return Math.min(leaseTtlMsMax, Math.max(leaseTtlMsMin, ttlMs));
}
