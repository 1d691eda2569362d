import type { Wheel } from '../clock/wheel.ts';
import type { Clock } from '../clock.ts';
import { type Answer, type Asked, done, invalid, refused, type ToldLease } from './asked.ts';
import { Channels } from './channels.ts';
import { Groups } from './groups.ts';
import { type Lease, type LeaseEnd, type LeaseStore, Leases } from './leases.ts';
import { Shares, type SharesOptions } from './shares.ts';
import { Signals } from './signals.ts';
import { Waits } from './waits.ts';

/** Makes and removes agents for others. */
export interface Nursery {
  spawn(parent: string, like: string, name: string, isDetached: boolean): Promise<Answer>;
  endChild(parent: string, name: string): Promise<Answer>;
  childrenOf(parent: string): readonly string[];
}

/** Ties agents to each other; what is asked of it is allowed. */
export interface TieRoom {
  link(agent: string, other: string): Answer;
  unlink(agent: string, other: string): Answer;
  /** The number of the monitor. */
  monitor(agent: string, other: string): Answer;
  demonitor(agent: string, monitor: number): Answer;
}

export interface HomeOptions extends SharesOptions {
  readonly clock: Clock;
  readonly wheel: Wheel;
  /** Where leases outlive the process; none: they do not. */
  readonly store?: LeaseStore | undefined;
  readonly nursery: Nursery;
  readonly ties: TieRoom;
  /** Whether there is an agent of that name. */
  readonly isAgent: (name: string) => boolean;
  readonly onLeaseEnd: (lease: Lease, end: LeaseEnd) => void;
}

const waitersMax = 100_000;
const receiversMax = 100_000;
const groupsMax = 10_000;
const membersMax = 4096;

/**
 * Where the names that agents share are at home: one place for all threads, so that whatever becomes of an agent or its
 * thread, channels keep their values, leases their times and groups their members.
 */
export class Home {
  readonly #options: HomeOptions;
  readonly #waits: Waits;
  readonly #shares: Shares;
  readonly channels: Channels;
  readonly leases: Leases;
  readonly groups: Groups;
  readonly #signals = new Map<string, Signals>();

  constructor(options: HomeOptions) {
    this.#options = options;
    const { clock, wheel, store, onLeaseEnd } = options;
    this.#waits = new Waits(wheel, waitersMax);
    const shares = new Shares(options);
    this.#shares = shares;
    this.channels = new Channels({ waits: this.#waits, shares });
    this.leases = new Leases({
      clock,
      wheel,
      waits: this.#waits,
      store,
      mayHold: (holder, leases) => shares.allows(holder, 'leasesMax', leases),
      onEnd: onLeaseEnd,
    });
    this.groups = new Groups(groupsMax, membersMax, shares);
  }

  /** Those who wait for anything. */
  get waiting(): number {
    return this.#waits.size;
  }

  /** Does what an agent asked; `signal` aborts when it does not want it any more. */
  ask(agent: string, asked: Asked, signal?: AbortSignal): Answer | Promise<Answer> {
    switch (asked.kind) {
      case 'open':
        return this.channels.open(agent, asked.name, asked.valuesMax);
      case 'put':
        return this.channels.put(agent, asked.name, asked.value, asked.waitMs, signal);
      case 'take':
        return this.channels.take(agent, asked.name, asked.waitMs, signal);
      case 'put-back':
        this.channels.putBack(agent, asked.name, asked.value);
        return done;
      case 'close':
        this.channels.close(agent, asked.name);
        return done;
      case 'acquire':
        return this.#acquire(agent, asked.name, asked.ttlMs, asked.waitMs, signal);
      case 'renew':
        return this.#renew(asked.name, asked.token, asked.ttlMs);
      case 'release':
        return this.leases.release(asked.name, asked.token) ? done : refused('lost');
      case 'raise':
        return this.#raise(agent, asked.agent, asked.word);
      case 'await':
        return this.#await(agent, asked.word, asked.waitMs, signal);
      case 'join':
        return this.groups.join(asked.name, agent, asked.topology);
      case 'leave':
        this.groups.leave(asked.name, agent);
        return done;
      case 'members':
        return this.groups.view(asked.name, agent);
      case 'spawn':
        return this.#options.nursery.spawn(agent, asked.like, asked.name, asked.isDetached);
      case 'end-child':
        return this.#options.nursery.endChild(agent, asked.name);
      case 'children':
        return { kind: 'names', names: this.#options.nursery.childrenOf(agent) };
      case 'link':
      case 'unlink':
      case 'monitor':
        return this.#options.ties[asked.kind](agent, asked.agent);
      case 'demonitor':
        return this.#options.ties.demonitor(agent, asked.monitor);
    }
  }

  /** The agent is no more: what it held is free, and it belongs to nothing. */
  endOf(agent: string): void {
    this.leases.endOf(agent);
    this.groups.endOf(agent);
    this.#signals.get(agent)?.close();
    this.#signals.delete(agent);
    this.#shares.endOf(agent);
  }

  /** The host ends. */
  close(): void {
    this.leases.close();
  }

  async #acquire(
    agent: string,
    name: string,
    ttlMs: number,
    waitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Answer> {
    if (ttlMs <= 0) return invalid('ttl-ms: a lease for no time is none');
    const lease = await this.leases.acquire(name, agent, ttlMs, waitMs, signal);
    if (typeof lease !== 'string') return { kind: 'lease', lease: this.#told(lease) };
    return refused(lease === 'refused' ? 'unavailable' : lease);
  }

  #renew(name: string, token: number, ttlMs: number): Answer {
    if (ttlMs <= 0) return invalid('ttl-ms: a lease for no time is none');
    const lease = this.leases.renew(name, token, ttlMs);
    return lease === 'lost' ? refused('lost') : { kind: 'lease', lease: this.#told(lease) };
  }

  #raise(from: string, agent: string, word: string): Answer {
    if (!this.#options.isAgent(agent)) return refused('denied');
    const signals = this.#signalsOf(agent);
    return signals === undefined || signals.raise(word, from) === 'full' ? refused('full') : done;
  }

  async #await(
    agent: string,
    word: string,
    waitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Answer> {
    const signals = this.#signalsOf(agent);
    if (signals === undefined) return refused('unavailable');
    const told = await signals.await(word, waitMs, signal);
    if (signals.isIdle && this.#signals.get(agent) === signals) this.#signals.delete(agent);
    if (typeof told !== 'string') return { kind: 'from', agent: told.from };
    return refused(told === 'refused' ? 'unavailable' : told);
  }

  #signalsOf(agent: string): Signals | undefined {
    let signals = this.#signals.get(agent);
    if (signals !== undefined || this.#signals.size >= receiversMax) return signals;
    signals = new Signals(this.#waits, (words) => this.#shares.allows(agent, 'signalsMax', words));
    this.#signals.set(agent, signals);
    return signals;
  }

  #told({ token, expiresAtMs }: Lease): ToldLease {
    const { clock } = this.#options;
    const leftMs = expiresAtMs - clock.monotonicMs();
    return { token: BigInt(token), expiresAtNs: clock.wallNs() + BigInt(Math.round(leftMs * 1e6)) };
  }
}
