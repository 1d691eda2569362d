import type { Agent } from '../../agent/agent.ts';
import { type LifecycleState, type LifeNumber, life, lifecycleStates } from '../../agent/lifecycle.ts';
import type { Bus } from '../../bus/bus.ts';
import type { Clock } from '../../clock.ts';
import { HostError } from '../../errors.ts';
import type { ThreadAudit } from '../thread/audit.ts';

export interface LifeNewsRooms {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly wallMs: () => number;
  /** Where it is put on record; none: nowhere. */
  readonly record: Pick<ThreadAudit, 'turned'> | undefined;
}

/** Somebody who waits for an agent to be in one of some states, as bits. */
interface Waiter {
  readonly states: number;
  readonly resolve: (state: LifecycleState | undefined) => void;
}

const waitersMax = 4_096;
/** What every message does: told only to who listens. */
const working = (1 << life.ready) | (1 << life.running) | (1 << life.waiting) | (1 << life.completed);
const eventPrefix = 'host.agent.';

/** Tells of every transition in the lives of a thread's agents: events, the audit chain, and those who wait for one. */
export class LifeNews {
  readonly #rooms: LifeNewsRooms;
  readonly #waiters = new Map<number, Set<Waiter>>();
  #waiting = 0;
  #isReturning = false;

  constructor(rooms: LifeNewsRooms) {
    this.#rooms = rooms;
  }

  turned(agent: Agent, from: LifeNumber, to: LifeNumber, why: string): void {
    if (this.#waiting > 0) this.#look(agent.id, to);
    const { bus, wallMs, record } = this.#rooms;
    const isWork = ((1 << from) & working) !== 0 && ((1 << to) & working) !== 0;
    record?.turned(agent, from, to, why);
    if (!bus.hasEventListeners || this.#isReturning) return;
    // What an agent does with an event like this one would be the next, without end.
    if (isWork && agent.delivery?.message.subject.startsWith(eventPrefix) === true) return;
    tellState(bus, { agent: agent.name, from: nameOf(from), to: nameOf(to), why, atMs: wallMs() });
  }

  /** Agents of a lost thread are there again by what this does: what they become on the way is nothing that befell them. */
  returning(act: () => void): void {
    this.#isReturning = true;
    try {
      act();
    } finally {
      this.#isReturning = false;
    }
  }

  #look(id: number, to: LifeNumber): void {
    const waiters = this.#waiters.get(id);
    if (waiters === undefined) return;
    for (const waiter of waiters) if ((waiter.states & (1 << to)) !== 0) waiter.resolve(nameOf(to));
  }

  /**
   * Resolves with the state once the agent is in one of these; undefined: it was not within the time.
   * @throws HostError `HOST_ERR_LIFECYCLE_BUSY` when too many wait already
   */
  async until(
    id: number,
    now: LifecycleState | undefined,
    states: readonly LifecycleState[],
    timeoutMs: number,
  ): Promise<LifecycleState | undefined> {
    if (now === undefined || states.includes(now)) return now ?? 'terminated';
    if (this.#waiting >= waitersMax)
      throw new HostError(
        'HOST_ERR_LIFECYCLE_BUSY',
        `${waitersMax} wait for states of this thread's agents already; try again later`,
        { waitersMax },
      );
    const { promise, resolve } = Promise.withResolvers<LifecycleState | undefined>();
    const bits = states.reduce((sum, state) => sum | (1 << life[state]), 0);
    const waiter = { states: bits, resolve };
    this.#add(id, waiter);
    const over = new AbortController();
    this.#rooms.clock.sleep(timeoutMs, over.signal).then(
      () => resolve(undefined),
      () => {},
    );
    const state = await promise;
    over.abort();
    this.#delete(id, waiter);
    return state;
  }

  #add(id: number, waiter: Waiter): void {
    const waiters = this.#waiters.get(id) ?? new Set();
    this.#waiters.set(id, waiters.add(waiter));
    this.#waiting += 1;
  }

  #delete(id: number, waiter: Waiter): void {
    const waiters = this.#waiters.get(id);
    if (waiters?.delete(waiter) === true) this.#waiting -= 1;
    if (waiters?.size === 0) this.#waiters.delete(id);
  }

  /** Whether somebody waits for a state of an agent. */
  isAwaited(id: number): boolean {
    return this.#waiters.has(id);
  }

  /** The agent is no more. */
  removed(id: number): void {
    for (const waiter of this.#waiters.get(id) ?? []) waiter.resolve('terminated');
  }
}

function nameOf(number: LifeNumber): LifecycleState {
  return lifecycleStates[number] as LifecycleState;
}

/** One transition in an agent's life, as events tell of it. */
export interface LifeEvent {
  readonly agent: string;
  /** Undefined: what it was is not known any more. */
  readonly from: LifecycleState | undefined;
  readonly to: LifecycleState;
  readonly why: string;
  readonly atMs: number;
}

/** `host.agent.NAME.state`, for whoever listens. */
export function tellState(bus: Bus, { agent, from, to, why, atMs }: LifeEvent): void {
  const body = JSON.stringify({ agent, event: 'state', from, to, ...(why !== '' && { why }), atMs });
  bus.publishEvent(`${eventPrefix}${agent}.state`, {
    contentType: 'application/json',
    headers: [],
    body: new TextEncoder().encode(body),
  });
}
