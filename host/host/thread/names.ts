import type { Agent } from '../../agent/agent.ts';
import { type BusGuest, type BusPolicy, type BusRights, requestAs } from '../../bus/guest-api.ts';
import type { BusError } from '../../bus/message.ts';
import type { Capabilities } from '../../capability/capabilities.ts';
import type { Clock, Random } from '../../clock.ts';
import type { Budget } from '../../engine/budget.ts';
import { WitError } from '../../engine/linker.ts';
import { HostError } from '../../errors.ts';
import { type Answer, type Asked, refused } from '../../orchestration/asked.ts';
import type {
  GuestPayload,
  OrchestrationGuest,
  OrchestrationRights,
  Passing,
  Permitted,
} from '../../orchestration/guest-api.ts';
import { agentSubject, subjectFault } from '../../subject.ts';
import type { EffectiveRights } from '../policy/effective-rights.ts';
import type { AskedOfHome } from './control.ts';

/** How the main thread is asked. */
export interface NamesOwner {
  orchestrate(asked: AskedOfHome): Promise<Answer>;
  unwanted(call: number): void;
}

export interface ThreadNamesOptions {
  readonly owner: NamesOwner;
  readonly clock: Clock;
  readonly random: Random;
}

/** Calls of all agents of a thread that are not answered yet. */
const callsMax = 32_768;

/** What the agents of a thread ask of the home of names, which is on the main one. */
export class ThreadNames {
  readonly #options: ThreadNamesOptions;
  /** Ends the call under way of an agent, by its id. */
  readonly #ends = new Map<number, AbortController>();
  #underWay = 0;
  #call = 0;

  constructor(options: ThreadNamesOptions) {
    this.#options = options;
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  /** Does something for the invocation at hand of an agent; the signal aborts when that is ended. */
  async during<T>(agent: number, act: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const end = new AbortController();
    // One at a time: a guest stands still meanwhile.
    this.#ends.set(agent, end);
    try {
      return await act(end.signal);
    } finally {
      if (this.#ends.get(agent) === end) this.#ends.delete(agent);
    }
  }

  /** The invocation of an agent is over: nothing that it asked is wanted any more. */
  endOf(agent: number): void {
    this.#ends.get(agent)?.abort();
  }

  /** Answered in any case, also after `signal` aborted: what came meanwhile must not be lost. */
  async ask(agent: string, asked: Asked, signal: AbortSignal | undefined): Promise<Answer> {
    if (signal?.aborted === true) return refused('cancelled');
    if (this.#underWay >= callsMax) return refused('unavailable');
    this.#call += 1;
    const call = this.#call;
    const unwanted = (): void => this.#options.owner.unwanted(call);
    signal?.addEventListener('abort', unwanted, { once: true });
    this.#underWay += 1;
    try {
      return await this.#options.owner.orchestrate({ call, agent, asked });
    } catch (thrown) {
      // The disk of leases takes nothing, or the host ends.
      if (thrown instanceof HostError) return refused('unavailable');
      throw thrown;
    } finally {
      this.#underWay -= 1;
      signal?.removeEventListener('abort', unwanted);
    }
  }

  newId(): string {
    const bytes = this.#options.random.fill(new Uint8Array(16));
    return `gossip-${Buffer.from(bytes).toString('hex')}`;
  }

  /** From 0 to below 1. */
  draw(): number {
    const bytes = this.#options.random.fill(new Uint8Array(4));
    return new DataView(bytes.buffer).getUint32(0) / 2 ** 32;
  }
}

/** Never refused for a rate: others wait for what it frees. */
const givingBack: ReadonlySet<Asked['kind']> = new Set([
  'put-back',
  'close',
  'release',
  'leave',
  'end-child',
  'unlink',
  'demonitor',
]);

/** The interface has no case of its own for it. */
function rateLimited(error: BusError): Answer {
  const inMs = error.tag === 'rate-limited' ? error.val : 0;
  return {
    kind: 'error',
    error: {
      tag: 'other',
      val: `rate-limited: again in ${inMs} ms; [limits] messages-per-second says how often`,
    },
  };
}

/** One agent in front of the home of names. */
export class AgentAmongNames implements OrchestrationGuest {
  readonly #names: ThreadNames;
  readonly #agent: Agent;
  readonly #budget: Budget;
  readonly #bus: BusGuest;
  readonly #member: BusGuest;
  readonly rights: OrchestrationRights;

  constructor(
    names: ThreadNames,
    agent: Agent,
    budget: Budget,
    bus: BusGuest,
    effective: EffectiveRights | undefined,
  ) {
    this.#names = names;
    this.#agent = agent;
    this.#budget = budget;
    this.#bus = bus;
    this.#member = amongMembers(bus);
    this.rights = new SharedRights(agent.capabilities, effective);
  }

  get name(): string {
    return this.#agent.name;
  }

  /** Every call counts towards the agent's rate of messages, but for those by which it gives something back. */
  async ask(asked: Asked, signal: AbortSignal | undefined): Promise<Answer> {
    if (givingBack.has(asked.kind)) return this.#names.ask(this.name, asked, signal);
    const answer = this.#bus.bus.paced(this.#agent.id, () => this.#names.ask(this.name, asked, signal));
    return answer instanceof Promise ? answer : rateLimited(answer);
  }

  async request(
    agent: string,
    question: GuestPayload,
    timeoutMs: number,
    isMember: boolean,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const guest = isMember ? this.#member : this.#bus;
    const { body } = await requestAs(guest, agentSubject(agent), question, timeoutMs, signal);
    return body;
  }

  async tell(agent: string, id: string, payload: GuestPayload): Promise<boolean> {
    const { policy } = this.#bus.rights;
    const pass =
      policy === undefined ? { payload } : await policy.passes('send', agentSubject(agent), payload);
    if (pass === undefined) return false;
    const sent = await this.#bus.bus.send(this.#bus.sender(), agent, pass.payload, { id });
    return !('tag' in sent);
  }

  newId(): string {
    return this.#names.newId();
  }

  random(): number {
    return this.#names.draw();
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return this.#names.clock.sleep(ms, signal);
  }

  leftMs(): number {
    return this.#budget.deadlineLeftMs;
  }

  during<T>(act: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.#names.during(this.#agent.id, act);
  }

  failure(error: unknown): unknown {
    return new WitError(error);
  }

  reasonOf(thrown: unknown): string {
    if (!(thrown instanceof WitError)) throw thrown;
    return words(thrown.payload as BusError);
  }

  denied(what: string, cure: string): void {
    this.#budget.deny(what, cure);
  }
}

/** What the bus said, in words that a voter's failure is told by. */
function words(error: BusError): string {
  if (error.tag === 'failed')
    return error.val.tag === 'custom' ? error.val.val.message : `${error.val.tag}: ${error.val.val}`;
  return 'val' in error ? `${error.tag}: ${error.val}` : error.tag;
}

/** Fellow members may be asked without a grant for each; policies are asked about them all the same. */
function amongMembers(guest: BusGuest): BusGuest {
  const { policy } = guest.rights;
  const rights: BusRights = {
    maySend: () => true,
    mayPublish: () => false,
    maySubscribe: () => false,
    cure: (kind, target) => guest.rights.cure(kind, target),
    ...(policy !== undefined && { policy }),
  };
  return {
    bus: guest.bus,
    rights,
    mayUrge: (level) => guest.mayUrge(level),
    sender: () => guest.sender(),
    signal: () => guest.signal(),
    failure: (error) => guest.failure(error),
    denied: (what, cure) => guest.denied(what, cure),
  };
}

/** The grants of a manifest, and what policies say. */
class SharedRights implements OrchestrationRights {
  readonly #capabilities: Capabilities;
  readonly #policy: EffectiveRights | undefined;

  constructor(capabilities: Capabilities, policy: EffectiveRights | undefined) {
    this.#capabilities = capabilities;
    this.#policy = policy;
  }

  mayShare(...asked: Parameters<OrchestrationRights['mayShare']>): boolean {
    return this.#capabilities.mayShare(...asked);
  }

  maySpawn(agent: string): boolean {
    return this.#capabilities.maySpawn(agent);
  }

  maySendTo(agent: string): boolean {
    const subject = agentSubject(agent);
    return subjectFault(subject) === undefined && this.#capabilities.maySend(subject);
  }

  cure(kind: Parameters<OrchestrationRights['cure']>[0], target: string): string {
    return this.#capabilities.cure(kind, target);
  }

  permits(kind: Passing, name: string, bytes: Uint8Array): Permitted | Promise<Permitted> {
    if (this.#policy === undefined) return bytes;
    if (kind === 'take') return this.#hears(this.#policy, `channel.${name}`, bytes);
    if (kind === 'monitor') return this.#hears(this.#policy, `down.${name}`, bytes);
    // Nothing that is shared keeps labels with what it holds.
    if (kind !== 'lease' && this.#policy.labels !== undefined) return undefined;
    return passed(this.#policy, kind, name, bytes);
  }

  mayStillTake(channel: string): boolean {
    const policy = this.#policy;
    if (policy === undefined) return true;
    const subject = { kind: 'Subject', id: `channel.${channel}` } as const;
    return policy.ended(policy.request('bus.subscribe', subject)) === undefined;
  }

  #hears(policy: EffectiveRights, pattern: string, bytes: Uint8Array): Permitted | Promise<Permitted> {
    const permitted = policy.subscribes(pattern);
    if (permitted instanceof Promise) return permitted.then((is) => (is ? bytes : undefined));
    return permitted ? bytes : undefined;
  }
}

function passed(
  policy: BusPolicy,
  kind: Exclude<Passing, 'take' | 'monitor'>,
  name: string,
  body: Uint8Array,
): Permitted | Promise<Permitted> {
  const payload = { contentType: undefined, headers: [], body };
  const pass =
    kind === 'signal' || kind === 'link'
      ? policy.passes('send', agentSubject(name), payload)
      : policy.passes('publish', `${kind === 'put' ? 'channel' : 'lease'}.${name}`, payload);
  return pass instanceof Promise ? pass.then((settled) => settled?.payload.body) : pass?.payload.body;
}
