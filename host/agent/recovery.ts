import type { Bus } from '../bus/bus.ts';
import type { Delivery } from '../bus/delivery.ts';
import type { Header } from '../bus/message.ts';
import type { Clock } from '../clock.ts';
import type { ErrorStep } from '../manifest.ts';
import type { Outcome } from '../outcome.ts';
import type { Agent, AgentNote } from './agent.ts';
import { endedFor } from './ending.ts';
import { type FailurePlace, failoverHeader, failureKindOf, mayFailOver, stepAt } from './error-strategy.ts';
import { type Halt, haltWith } from './halt.ts';

/** What recovery needs of its thread. */
export interface RecoveryRooms {
  readonly bus: Bus;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly note: (agent: Agent, what: AgentNote) => void;
  /** It handles nothing from now on, or does so again. */
  readonly halted: (agent: string, halt: Halt | undefined) => void;
}

/** One message that was not dealt with, and what its agent's manifest says of it. */
interface Case {
  readonly agent: Agent;
  readonly delivery: Delivery;
  readonly outcome: Outcome<Uint8Array | undefined>;
  readonly steps: readonly ErrorStep[];
  readonly why: string;
}

const whyCharsMax = 1_000;

/** What is done when agents of a thread fail: the strategies of their manifests, one after the other, each once. */
export class Recovery {
  readonly #rooms: RecoveryRooms;
  #standIns = 0;
  readonly #ending = new Map<Agent, Promise<void>>();
  /** What those are answered who ask agents that are held. */
  readonly #refusals = new Map<number, Outcome<Uint8Array | undefined>>();

  constructor(rooms: RecoveryRooms) {
    this.#rooms = rooms;
  }

  /** Requests that other agents deal with in the place of those of this thread. */
  get standIns(): number {
    return this.#standIns;
  }

  /** As `Bus.settle`, for what did not end well. */
  settle(
    agent: Agent,
    delivery: Delivery,
    outcome: Outcome<Uint8Array | undefined>,
    place: FailurePlace,
  ): void {
    const { bus, clock } = this.#rooms;
    const { errors, delivery: rules } = agent.spec.manifest;
    const isLate = delivery.untilMs <= clock.monotonicMs();
    const kind = failureKindOf({ outcome, place, isLate });
    const steps = kind === undefined ? undefined : errors.steps[kind];
    const isTerminated = agent.halt?.kind === 'terminated';
    if (agent.isWornOut && kind !== undefined) {
      const { restartsMax, periodMs } = agent.spec.manifest.restart;
      const why = `more than ${restartsMax} restarts in ${periodMs} ms, the last after ${wordsOf(outcome)}`;
      this.#hold({ agent, delivery, outcome, steps: [], why: why.slice(0, whyCharsMax) });
      return;
    }
    if (isTerminated || steps === undefined) {
      bus.settle(delivery, outcome, isTerminated ? 'terminated' : undefined);
      return;
    }
    const why = `${kind}: ${wordsOf(outcome)}`.slice(0, whyCharsMax);
    const { attempt } = delivery.message;
    this.#take({ agent, delivery, outcome, steps, why }, stepAt(steps, attempt, rules.attemptsMax - 1));
  }

  /** The first step from this place on that can be done. */
  #take(one: Case, from: number): void {
    const { steps, delivery, outcome } = one;
    for (let at = from; at < steps.length; at += 1) if (this.#do(one, steps[at] as ErrorStep, at)) return;
    this.#rooms.bus.settle(delivery, outcome, delivery.message.attempt > 1 ? 'attempts' : 'failed');
  }

  /** False: it cannot be done. */
  #do(one: Case, step: ErrorStep, at: number): boolean {
    switch (step.kind) {
      case 'retry':
        return this.#rooms.bus.again(one.delivery, false);
      case 'restart':
        return this.#rooms.bus.again(one.delivery, true);
      case 'failover':
        return this.#failOver(one, step.agent, at);
      case 'terminate':
        this.#terminate(one);
        return true;
      case 'manual':
        this.#hold(one);
        return true;
      case 'none':
        this.#rooms.bus.settle(one.delivery, one.outcome, 'failed');
        return true;
    }
  }

  #failOver(one: Case, to: string, at: number): boolean {
    const { bus } = this.#rooms;
    const { agent, delivery } = one;
    const { headers } = delivery.message;
    const path = headers.filter(({ name }) => name === failoverHeader).map(({ value }) => value);
    if (!mayFailOver(path, agent.name, to) || !bus.isOpen(delivery)) return false;
    const more = [...headers, { name: failoverHeader, value: agent.name }];
    if (delivery.request === 0) {
      if (!bus.passOn(delivery, to, more)) return false;
    } else {
      if (bus.directory.find(to) === 0) return false;
      void this.#askInstead(one, to, more, at);
    }
    this.#rooms.note(agent, {
      kind: 'failed-over',
      why: `${to} has message ${delivery.message.id}, ${one.why}`,
    });
    return true;
  }

  async #askInstead(one: Case, to: string, headers: readonly Header[], at: number): Promise<void> {
    this.#standIns += 1;
    const isTaken = await this.#rooms.bus.askInstead(one.delivery, to, headers);
    this.#standIns -= 1;
    if (!isTaken) this.#take(one, at + 1);
  }

  #hold({ agent, delivery, outcome, why }: Case): void {
    const { bus } = this.#rooms;
    const isAsked = delivery.request !== 0;
    this.halt(agent, haltWith(agent.halt, why, isAsked ? undefined : delivery.message.id));
    // Whoever waits for it is told how it ended; a person may take long.
    if (isAsked) {
      bus.pause(agent.id);
      bus.settle(delivery, outcome);
    } else bus.keep(delivery, outcome);
    const refusal = this.#refusals.get(agent.id);
    if (refusal !== undefined) bus.refuseAsked(agent.id, refusal);
  }

  /** What whoever asks an agent is answered while it is held. */
  refusalOf(id: number): Outcome<Uint8Array | undefined> | undefined {
    return this.#refusals.size === 0 ? undefined : this.#refusals.get(id);
  }

  /** The agent is no more. */
  forget(id: number): void {
    this.#refusals.delete(id);
  }

  #haltBy(agent: Agent, halt: Halt | undefined): void {
    agent.haltBy(halt);
    if (halt?.kind === 'held') this.#refusals.set(agent.id, endedFor(agent.name, halt, false));
    else this.#refusals.delete(agent.id);
  }

  /** It handles nothing from now on, and everybody is told so. */
  halt(agent: Agent, halt: Halt, kind: 'stopped' | 'killed' | Halt['kind'] = halt.kind): void {
    this.#haltBy(agent, halt);
    this.#rooms.halted(agent.name, halt);
    this.#rooms.note(agent, { kind, why: halt.why });
  }

  #terminate({ agent, delivery, outcome, why }: Case): void {
    const { bus } = this.#rooms;
    this.halt(agent, { kind: 'terminated', why, messages: [] });
    bus.settle(delivery, outcome, 'terminated');
    bus.clear(agent.id, 'terminated');
    this.end(agent);
  }

  /** A terminated agent ends, as soon as no message is under way. */
  end(agent: Agent, act: () => Promise<void> = () => agent.terminate()): void {
    const ending = agent.settled().then(act);
    this.#ending.set(agent, ending);
    void ending.finally(() => this.#ending.delete(agent));
  }

  /** Resolves when an agent that is being terminated is. */
  async ended(agent: Agent): Promise<void> {
    await this.#ending.get(agent);
  }

  /** Puts an agent back where an earlier run, or a thread that was lost, had it. */
  restore(agent: Agent, halt: Halt): void {
    this.#haltBy(agent, halt);
    if (halt.kind === 'terminated') this.end(agent);
    else this.#rooms.bus.pause(agent.id);
  }

  /** A person says that it goes on: with the messages it failed at, or without. False: it is not halted. */
  async resume(agent: Agent, isDropped: boolean): Promise<boolean> {
    await this.ended(agent);
    const { halt } = agent;
    if (halt === undefined) return this.#reviveEnded(agent);
    const { bus } = this.#rooms;
    this.forgive(agent);
    if (isDropped && halt.kind === 'held') bus.clear(agent.id, 'dropped', halt.messages);
    bus.resume(agent.id);
    this.#rooms.note(agent, { kind: 'resumed', why: isDropped ? 'without its message' : halt.why });
    return true;
  }

  /** One that ended by itself, and was not to be begun again, begins with its next message. False: it did not. */
  #reviveEnded(agent: Agent): boolean {
    if (agent.phase !== 'stopped') return false;
    agent.revive();
    this.#rooms.note(agent, { kind: 'resumed', why: 'it had ended by itself' });
    return true;
  }

  /** It is halted no longer. */
  forgive(agent: Agent): void {
    if (agent.halt === undefined) return;
    this.#haltBy(agent, undefined);
    this.#rooms.halted(agent.name, undefined);
  }
}

function wordsOf(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'trap':
      return `${outcome.trap}: ${outcome.message}`;
    case 'limit':
      return `${outcome.limit}, ${outcome.used} of ${outcome.max}`;
    case 'error':
      return JSON.stringify(outcome.failure) ?? `code ${outcome.exitCode}`;
    case 'ok':
      return '';
    default:
      return outcome.reason;
  }
}
