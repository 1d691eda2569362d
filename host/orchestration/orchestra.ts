import { isSharedName } from '../manifest.ts';
import type { Answer, Asked, OrchestrationError, ToldLease } from './asked.ts';
import { type Coverage, spread } from './gossip.ts';
import { gatherQuorum, type Tally, type Threshold, votesNeeded } from './quorum.ts';
import { type TopologyKind, topologyKinds } from './topology.ts';

/** What is handed over to be sent (wit/types.wit). */
export interface GuestPayload {
  readonly contentType: string | undefined;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly body: Uint8Array;
}

/** What policies are asked about. */
export type Passing = 'put' | 'take' | 'lease' | 'signal' | 'link' | 'monitor';
export type Permitted = Uint8Array | undefined;

export type SharedKind = 'channels' | 'leases' | 'groups' | 'spawnFrom' | 'links' | 'monitors';

/** What an agent may use together with others. Names are valid ones. */
export interface OrchestrationRights {
  mayShare(kind: SharedKind, name: string): boolean;
  maySpawn(agent: string): boolean;
  /** Whether it may send to an agent, and ask it. */
  maySendTo(agent: string): boolean;
  /** The line of the manifest that would allow it. */
  cure(kind: SharedKind | 'spawn' | 'send', target: string): string;
  /** Whether what it waited to take may come to it still: policies may have changed meanwhile. */
  mayStillTake(channel: string): boolean;
  /**
   * What policies say of what the grants allow: the bytes as they may go, or undefined; a promise while a person is
   * asked.
   */
  permits(kind: Passing, name: string, bytes: Uint8Array): Permitted | Promise<Permitted>;
}

/** One agent in front of the home of names. */
export interface OrchestrationGuest {
  readonly name: string;
  readonly rights: OrchestrationRights;
  ask(asked: Asked, signal: AbortSignal | undefined): Promise<Answer>;
  /** Asks another agent over the bus; `isMember`: without a grant for it. @throws what `reasonOf` explains */
  request(
    agent: string,
    question: GuestPayload,
    timeoutMs: number,
    isMember: boolean,
    signal: AbortSignal,
  ): Promise<Uint8Array>;
  /** Puts a message into a fellow member's mailbox; false: it has not taken it. */
  tell(agent: string, id: string, payload: GuestPayload): Promise<boolean>;
  /** A name for a message that no other has. */
  newId(): string;
  /** From 0 to below 1. */
  random(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Until the deadline of the message at hand. */
  leftMs(): number;
  /** Does something for the invocation at hand; the signal aborts when that is ended. */
  during<T>(act: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** What the guest's call throws to return the `err` of a WIT result. */
  failure(error: OrchestrationError): unknown;
  /** Of what `request` threw. */
  reasonOf(thrown: unknown): string;
  /** For the operator's log. */
  denied(what: string, cure: string): void;
}

/** The WIT variant `threshold` as lifted. */
export type GuestThreshold =
  | { readonly tag: 'count'; readonly val: number }
  | { readonly tag: 'majority' | 'supermajority' };

export interface GuestCoverage {
  readonly reached: number;
  readonly missed: readonly string[];
  readonly rounds: number;
}

export interface GuestTally {
  readonly decision: Uint8Array | undefined;
  readonly agreed: number;
  readonly needed: number;
  readonly ballots: readonly { readonly voter: string; readonly vote: unknown }[];
}

const wordBytesMax = 64;
const votersMax = 1_000;
const graceMs = 5_000;
const timeoutMsDefault = 10_000;

/** What an agent asks of the others, until a signal aborts: for calls that suspend it, and for those that do not. */
export class Orchestra {
  readonly guest: OrchestrationGuest;

  constructor(guest: OrchestrationGuest) {
    this.guest = guest;
  }

  async put(channel: string, value: Uint8Array, waitMs: number, signal?: AbortSignal): Promise<void> {
    this.check('channels', channel);
    const own = await this.permit('put', channel, value);
    await this.done({ kind: 'put', name: channel, value: own, waitMs: this.#within(waitMs) }, signal);
  }

  async take(channel: string, waitMs: number, signal?: AbortSignal): Promise<Uint8Array> {
    this.check('channels', channel);
    await this.permit('take', channel, nothing);
    const answer = await this.asked({ kind: 'take', name: channel, waitMs: this.#within(waitMs) }, signal);
    if (answer.kind !== 'value') throw bug('take', answer);
    const isWanted = signal?.aborted !== true;
    if (isWanted && this.guest.rights.mayStillTake(channel)) return answer.value;
    // It came after whoever wanted it had gone, or may not have it any more.
    void this.guest.ask({ kind: 'put-back', name: channel, value: answer.value }, undefined);
    return this.refuse({ tag: isWanted ? 'denied' : 'cancelled' });
  }

  async acquireLease(name: string, ttlMs: number, waitMs: number, signal?: AbortSignal): Promise<ToldLease> {
    this.check('leases', name);
    await this.permit('lease', name, nothing);
    const answer = await this.asked({ kind: 'acquire', name, ttlMs, waitMs: this.#within(waitMs) }, signal);
    if (answer.kind !== 'lease') throw bug('acquire', answer);
    if (signal?.aborted !== true) return answer.lease;
    void this.guest.ask({ kind: 'release', name, token: Number(answer.lease.token) }, undefined);
    return this.refuse({ tag: 'cancelled' });
  }

  async renewLease(name: string, token: bigint, ttlMs: number): Promise<ToldLease> {
    this.check('leases', name);
    const answer = await this.asked({ kind: 'renew', name, token: Number(token), ttlMs });
    return answer.kind === 'lease' ? answer.lease : Promise.reject(bug('renew', answer));
  }

  async releaseLease(name: string, token: bigint): Promise<void> {
    this.check('leases', name);
    await this.done({ kind: 'release', name, token: Number(token) });
  }

  async raise(agent: string, word: string): Promise<void> {
    this.#checkWord(word);
    if (!this.guest.rights.maySendTo(agent)) this.#deny(`signal ${agent}`, 'send', `agent.${agent}`);
    const bytes = Buffer.from(word);
    // A word of which something was left out would be another word.
    if (!bytes.equals(await this.permit('signal', agent, bytes))) this.refuse({ tag: 'denied' });
    await this.done({ kind: 'raise', agent, word });
  }

  async awaitSignal(word: string, waitMs: number, signal?: AbortSignal): Promise<string> {
    this.#checkWord(word);
    const answer = await this.asked({ kind: 'await', word, waitMs: this.#within(waitMs) }, signal);
    return answer.kind === 'from' ? answer.agent : Promise.reject(bug('await', answer));
  }

  async open(name: string, valuesMax: number): Promise<void> {
    this.check('channels', name);
    await this.done({ kind: 'open', name, valuesMax });
  }

  async close(name: string): Promise<void> {
    this.check('channels', name);
    await this.done({ kind: 'close', name });
  }

  async join(name: string, topology: string): Promise<void> {
    this.check('groups', name);
    const kind = topologyKinds.find((one) => one === topology);
    if (kind === undefined) return this.refuse({ tag: 'invalid', val: `no topology: '${topology}'` });
    await this.done({ kind: 'join', name, topology: kind });
  }

  async leave(name: string): Promise<void> {
    this.check('groups', name);
    await this.done({ kind: 'leave', name });
  }

  async group(name: string): Promise<{
    readonly topology: TopologyKind;
    readonly members: readonly string[];
    readonly neighbours: readonly string[];
  }> {
    this.check('groups', name);
    const answer = await this.asked({ kind: 'members', name });
    return answer.kind === 'group' ? answer.group : Promise.reject(bug('members', answer));
  }

  /** By gossip: the host carries it from mailbox to mailbox, and no member's code has a part in it. */
  async broadcast(name: string, payload: GuestPayload, signal?: AbortSignal): Promise<GuestCoverage> {
    const { topology, members } = await this.group(name);
    const id = this.guest.newId();
    const coverage: Coverage = await spread({
      kind: topology,
      members,
      origin: this.guest.name,
      random: () => this.guest.random(),
      tell: (member) => this.guest.tell(member, id, payload),
      ...(signal !== undefined && { signal }),
    });
    return { reached: coverage.reached.length, missed: coverage.missed, rounds: coverage.rounds };
  }

  async askQuorum(
    voters: readonly string[],
    question: GuestPayload,
    threshold: GuestThreshold,
    timeoutMs: number,
    hearAll: boolean,
    signal?: AbortSignal,
  ): Promise<GuestTally> {
    for (const voter of voters)
      if (!this.guest.rights.maySendTo(voter)) this.#deny(`ask ${voter}`, 'send', `agent.${voter}`);
    return this.#gather(voters, question, threshold, timeoutMs, hearAll, false, signal);
  }

  async askGroup(
    name: string,
    question: GuestPayload,
    threshold: GuestThreshold,
    timeoutMs: number,
    hearAll: boolean,
    signal?: AbortSignal,
  ): Promise<GuestTally> {
    const { members } = await this.group(name);
    const voters = members.filter((member) => member !== this.guest.name);
    return this.#gather(voters, question, threshold, timeoutMs, hearAll, true, signal);
  }

  async #gather(
    given: readonly string[],
    question: GuestPayload,
    asked: GuestThreshold,
    timeoutMs: number,
    isForAll: boolean,
    isMember: boolean,
    signal: AbortSignal | undefined,
  ): Promise<GuestTally> {
    const voters = [...new Set(given)];
    const threshold = this.#thresholdOf(asked, voters.length);
    const waitMs = this.#within(timeoutMs === 0 ? timeoutMsDefault : timeoutMs);
    const tally = await gatherQuorum<Uint8Array>({
      voters,
      threshold,
      keyOf: (answer) => Buffer.from(answer).toString('latin1'),
      // Longer than the vote lasts: its end is what ends them, and who has said nothing by then is silent.
      ask: (voter, over) => this.guest.request(voter, question, waitMs + graceMs, isMember, over),
      timeout: (over) => this.guest.sleep(waitMs, over),
      isForAll,
      signal,
      whyOf: (thrown) => this.guest.reasonOf(thrown),
    });
    return toldTally(tally);
  }

  #thresholdOf(asked: GuestThreshold, voters: number): Threshold {
    if (voters === 0) return this.refuse({ tag: 'invalid', val: 'nobody to ask' });
    if (voters > votersMax) return this.refuse({ tag: 'invalid', val: `at most ${votersMax} voters` });
    const threshold = asked.tag === 'count' ? asked.val : asked.tag;
    if (typeof threshold === 'number' && (threshold < 1 || threshold > voters))
      return this.refuse({ tag: 'invalid', val: `a threshold of ${threshold} among ${voters} voters` });
    votesNeeded(threshold, voters);
    return threshold;
  }

  async spawn(like: string, name: string, isDetached: boolean, signal?: AbortSignal): Promise<void> {
    const { rights } = this.guest;
    if (!rights.mayShare('spawnFrom', like)) this.#deny(`spawn like ${like}`, 'spawnFrom', like);
    if (!rights.maySpawn(name)) this.#deny(`spawn ${name}`, 'spawn', name);
    await this.done({ kind: 'spawn', like, name, isDetached }, signal);
  }

  async children(): Promise<readonly string[]> {
    const answer = await this.asked({ kind: 'children' });
    return answer.kind === 'names' ? [...answer.names].sort() : Promise.reject(bug('children', answer));
  }

  async endChild(name: string): Promise<void> {
    await this.done({ kind: 'end-child', name });
  }

  check(kind: SharedKind, name: string): void {
    if (!isSharedName(name))
      this.refuse({ tag: 'invalid', val: `'${name.slice(0, 64)}': lower-case letters, digits, . _ and -` });
    if (!this.guest.rights.mayShare(kind, name)) this.#deny(`${whatOf[kind]} ${name}`, kind, name);
  }

  #checkWord(word: string): void {
    const bytes = Buffer.byteLength(word);
    if (bytes === 0 || bytes > wordBytesMax)
      this.refuse({ tag: 'invalid', val: `a word has 1 to ${wordBytesMax} bytes` });
  }

  #deny(what: string, kind: SharedKind | 'spawn' | 'send', target: string): never {
    this.guest.denied(what, this.guest.rights.cure(kind, target));
    return this.refuse({ tag: 'denied' });
  }

  /** @throws what the guest's call throws where policies do not permit it */
  async permit(kind: Passing, name: string, bytes: Uint8Array): Promise<Uint8Array> {
    return (await this.guest.rights.permits(kind, name, bytes)) ?? this.refuse({ tag: 'denied' });
  }

  async done(asked: Asked, signal?: AbortSignal): Promise<void> {
    const answer = await this.asked(asked, signal);
    if (answer.kind !== 'done') throw bug(asked.kind, answer);
  }

  async asked(asked: Asked, signal?: AbortSignal): Promise<Exclude<Answer, { kind: 'error' }>> {
    const answer = await this.guest.ask(asked, signal);
    return answer.kind === 'error' ? this.refuse(answer.error) : answer;
  }

  refuse(error: OrchestrationError): never {
    throw this.guest.failure(error);
  }

  #within(waitMs: number): number {
    return Math.min(waitMs, this.guest.leftMs());
  }
}

const nothing = new Uint8Array(0);
const whatOf = {
  channels: 'channel',
  leases: 'lease',
  groups: 'group',
  spawnFrom: 'spawn like',
  links: 'link',
  monitors: 'monitor',
} as const;

function bug(asked: string, { kind }: Answer): Error {
  return new Error(`bug: '${asked}' was answered with '${kind}'`);
}

function toldTally({ decision, agreed, needed, votes }: Tally<Uint8Array>): GuestTally {
  const ballots = votes.map(([voter, vote]) => {
    if (vote.kind === 'answer') return { voter, vote: { tag: 'answer', val: vote.answer } };
    return { voter, vote: vote.kind === 'failed' ? { tag: 'failed', val: vote.why } : { tag: 'silent' } };
  });
  return { decision, agreed, needed, ballots };
}
