import type { Bus } from '../bus/bus.ts';
import { type Delivery, healthSubject, isProbe, outside } from '../bus/delivery.ts';
import type { Clock, Random } from '../clock.ts';
import type { HealthProbe } from '../manifest.ts';
import type { Outcome } from '../outcome.ts';
import { agentSubject } from '../subject.ts';
import { CircuitBreaker, type CircuitState } from '../supervisor/circuit-breaker.ts';
import { HealthCheck } from '../supervisor/health-check.ts';
import type { Agent, AgentNote } from './agent.ts';
import { circuitRefusal } from './circuit-refusal.ts';
import type { Custody } from './custody.ts';
import { describe } from './ending.ts';
import { type FailurePlace, failureKindOf } from './error-strategy.ts';
import { type Probe, questions } from './health-probe.ts';
import type { Spec } from './spec.ts';

export interface WellbeingRooms {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly random: Random;
  readonly custody: Custody;
  /** The object of an agent; undefined: it is not here any more. */
  readonly rouse: (id: number) => Agent | undefined;
  readonly note: (agent: Agent, what: AgentNote) => void;
  /** One that a supervisor looks after does not answer: it is to be restarted. */
  readonly unwell: (agent: string, why: string) => void;
}

/** What is watched of one agent; undefined: it is not. */
interface Watched {
  readonly circuit: CircuitBreaker | undefined;
  readonly liveness: HealthCheck | undefined;
  readonly readiness: HealthCheck | undefined;
  /** Of the message it handles. */
  permit: number;
  /** Of the last message that it failed at. */
  failure: string;
}

/** How an agent is, as far as it is watched. */
export interface WellbeingReport {
  readonly circuit: CircuitState | undefined;
  /** Undefined: nobody asks. */
  readonly isReady: boolean | undefined;
}

/** The health of a thread's agents, and who is turned away from those that keep failing. */
export class Wellbeing {
  readonly #rooms: WellbeingRooms;
  readonly #watched = new Map<number, Watched>();

  constructor(rooms: WellbeingRooms) {
    this.#rooms = rooms;
  }

  /** An agent came, or has other settings. */
  watch(id: number, { manifest: { supervision } }: Spec): void {
    this.forget(id);
    const { circuit, liveness, readiness } = supervision;
    if (circuit === undefined && liveness === undefined && readiness === undefined) return;
    const { clock } = this.#rooms;
    const watched: Watched = {
      circuit:
        circuit &&
        new CircuitBreaker(
          circuit,
          () => clock.monotonicMs(),
          (state) => this.#circuitTurned(id, state),
        ),
      liveness: liveness && this.#check(id, 'liveness', liveness, (why) => this.#notAlive(id, why)),
      readiness: readiness && this.#check(id, 'readiness', readiness, (why) => this.#readyTurned(id, why)),
      permit: 0,
      failure: 'its messages fail',
    };
    this.#watched.set(id, watched);
    watched.liveness?.start();
    watched.readiness?.start();
  }

  has(id: number): boolean {
    return this.#watched.has(id);
  }

  forget(id: number): void {
    const watched = this.#watched.get(id);
    if (watched === undefined) return;
    this.#watched.delete(id);
    watched.liveness?.stop();
    watched.readiness?.stop();
    this.#rooms.bus.resume(id, 'unready');
  }

  /** Nobody is asked any more. */
  close(): void {
    for (const { liveness, readiness } of this.#watched.values()) {
      liveness?.stop();
      readiness?.stop();
    }
  }

  reportOf(id: number): WellbeingReport {
    const watched = this.#watched.get(id);
    const readiness = watched?.readiness?.state;
    return {
      circuit: watched?.circuit?.state,
      isReady: readiness === undefined ? undefined : readiness !== 'unhealthy',
    };
  }

  /** Agents whose circuits are not closed, and those that are not ready. */
  get counts(): { readonly circuitsOpen: number; readonly unready: number } {
    let [circuitsOpen, unready] = [0, 0];
    for (const { circuit, readiness } of this.#watched.values()) {
      if (circuit !== undefined && circuit.state !== 'closed') circuitsOpen += 1;
      if (readiness?.state === 'unhealthy') unready += 1;
    }
    return { circuitsOpen, unready };
  }

  // The circuit

  /** A request has come: undefined, it may wait for its turn; else what somebody outside is answered instead. */
  refusalOf(id: number): Outcome<undefined> | undefined {
    if (this.#watched.size === 0) return undefined;
    const watched = this.#watched.get(id);
    if (watched?.circuit?.isPassable !== false) return undefined;
    const { clock, rouse } = this.#rooms;
    return circuitRefusal(rouse(id)?.name ?? '', watched.circuit, watched.failure, {
      monotonicMs: clock.monotonicMs(),
      wallMs: Number(clock.wallNs() / 1_000_000n),
    });
  }

  /** It is a message's turn. False: it is a request, and its asker is turned away after all. */
  begins(id: number, delivery: Delivery): boolean {
    if (this.#watched.size === 0) return true;
    const watched = this.#watched.get(id);
    if (watched?.circuit === undefined || isProbe(delivery)) return true;
    watched.permit = watched.circuit.admit();
    return watched.permit !== 0 || delivery.request === 0;
  }

  /** What came of that message. */
  ended(id: number, delivery: Delivery, outcome: Outcome, place: FailurePlace): void {
    if (this.#watched.size === 0) return;
    const watched = this.#watched.get(id);
    if (watched?.circuit === undefined || watched.permit === 0 || isProbe(delivery)) return;
    const { permit } = watched;
    watched.permit = 0;
    const isLate = delivery.untilMs <= this.#rooms.clock.monotonicMs();
    const hasFailed = failureKindOf({ outcome, place, isLate }) !== undefined;
    if (hasFailed) watched.failure = describe(outcome);
    watched.circuit.ended(permit, hasFailed ? false : outcome.kind === 'ok' || undefined);
  }

  #circuitTurned(id: number, state: CircuitState): void {
    const agent = this.#rooms.rouse(id);
    if (agent === undefined) return;
    const failure = this.#watched.get(id)?.failure ?? '';
    const why = state === 'closed' ? 'it deals with its messages again' : failure;
    this.#rooms.note(agent, { kind: `circuit-${state}`, why });
  }

  // Health

  #check(
    id: number,
    probe: Probe,
    rules: HealthProbe,
    turned: (why: string | undefined) => void,
  ): HealthCheck {
    const { clock, random } = this.#rooms;
    return new HealthCheck(rules, {
      clock,
      random,
      probe: (signal) => this.#ask(id, probe, rules, signal),
      turned: (_state, why) => turned(why),
    });
  }

  /** What is wrong with it; nothing is with one that is not in memory, or is not to run. */
  async #ask(
    id: number,
    probe: Probe,
    { timeoutMs }: HealthProbe,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { bus, custody, rouse } = this.#rooms;
    const agent = rouse(id);
    if (agent === undefined || agent.halt !== undefined || custody.isDown(id)) return undefined;
    const isUnready = this.#watched.get(id)?.readiness?.state === 'unhealthy';
    if (agent.resident === undefined && !isUnready) return undefined;
    const asked = { subject: healthSubject, timeoutMs, signal };
    const reply = await bus.request(outside, agentSubject(agent.name), questions[probe], asked);
    if (!('error' in reply)) return reply.outcome.kind === 'ok' ? undefined : describe(reply.outcome);
    // There is no room for the question: it has much to do, which is no illness.
    return reply.error.tag === 'full' ? undefined : `no answer: ${reply.error.tag}`;
  }

  #notAlive(id: number, trouble: string | undefined): void {
    const { custody, rouse, note, unwell } = this.#rooms;
    const agent = rouse(id);
    if (agent === undefined || trouble === undefined) return;
    const why = `it does not answer as it should: ${trouble}`;
    agent.lastError = why;
    note(agent, { kind: 'unhealthy', why });
    // The next instance is another one, and nothing is known of it.
    this.#watched.get(id)?.liveness?.start();
    if (custody.has(id)) unwell(agent.name, why);
    else void custody.renew(id, why);
  }

  #readyTurned(id: number, trouble: string | undefined): void {
    const { bus, rouse, note } = this.#rooms;
    const agent = rouse(id);
    if (agent === undefined) return;
    if (trouble === undefined) {
      bus.resume(id, 'unready');
      note(agent, { kind: 'ready', why: 'its mail comes again' });
    } else {
      bus.pause(id, 'unready');
      note(agent, { kind: 'unready', why: trouble });
    }
  }
}
