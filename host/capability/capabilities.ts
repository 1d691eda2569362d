import { HostError } from '../errors.ts';
import { noGrants } from '../manifest/grants.ts';
import { hostName } from '../manifest/host-name.ts';
import type { Level } from '../manifest/scheduling.ts';
import type { FileGrant, Grants } from '../manifest.ts';
import { type CureKind, grantLine } from './cure.ts';
import type { HttpTarget } from './http-rules.ts';
import { intersection, without } from './intersection.ts';
import { Rules } from './rules.ts';

export type { CureKind } from './cure.ts';
export { authorityOf, type HttpTarget } from './http-rules.ts';

/** Told what was taken away; undefined: everything. What is under way has to ask again whether it may go on. */
export type RevocationListener = (what: Grants | undefined) => void;

/** What agents use together. */
export type SharedKind = 'channels' | 'leases' | 'groups' | 'spawnFrom' | 'links' | 'monitors';

/** How often rights may be handed on, from one agent to the next. */
export const delegationsMax = 3;
/** Narrowings in a row, delegations among them. */
export const narrowingsMax = 16;
/** Listeners of one agent and of all it handed rights to. */
export const listenersMax = 65_536;
/** Partial revocations of one agent; at one more, everything is revoked. */
export const revocationsMax = 1000;

/**
 * What one agent may do. Pure and without I/O: it knows nothing of what exists, so that a denial reveals nothing.
 * Every question is also put to whoever the rights came from, so that narrowing cannot widen and revoking reaches
 * all that came of them at once.
 */
export class Capabilities {
  readonly #rules: Rules;
  readonly #manifestPath: string;
  readonly #parent: Capabilities | undefined;
  readonly #delegations: number;
  readonly #narrowings: number;
  #isRevoked = false;
  #revoked: Rules[] | undefined;
  #listeners: Set<RevocationListener> | undefined;

  private constructor(rules: Rules, manifestPath: string, parent?: Capabilities, isDelegated = false) {
    this.#rules = rules;
    this.#manifestPath = manifestPath;
    this.#parent = parent;
    this.#delegations = parent === undefined ? 0 : parent.#delegations + (isDelegated ? 1 : 0);
    this.#narrowings = parent === undefined ? 0 : parent.#narrowings + 1;
  }

  /** `manifestPath` is the file that cures name. @throws HostError `HOST_ERR_GRANT_INVALID` */
  static of(grants: Grants, manifestPath: string): Capabilities {
    return new Capabilities(Rules.of(grants), manifestPath);
  }

  /** Whether it may send to a subject, or ask there; an agent's mailbox is `agent.NAME`. */
  maySend(subject: string): boolean {
    if (!this.#rules.send.covers(subject)) return false;
    return (
      this.#isWhole ||
      this.#also(
        (one) => one.maySend(subject),
        (gone) => gone.send.covers(subject),
      )
    );
  }

  /** As `maySend`, for a subject to publish to; never for a reserved one. */
  mayPublish(subject: string): boolean {
    if (!this.#rules.publish.covers(subject)) return false;
    return (
      this.#isWhole ||
      this.#also(
        (one) => one.mayPublish(subject),
        (gone) => gone.publish.covers(subject),
      )
    );
  }

  /** Whether all that a pattern stands for was granted, by one granted pattern. */
  maySubscribe(pattern: string): boolean {
    if (!this.#rules.subscribe.covers(pattern)) return false;
    return (
      this.#isWhole ||
      this.#also(
        (one) => one.maySubscribe(pattern),
        (gone) => gone.touches(pattern),
      )
    );
  }

  /** Whether what it sends may be handled at a level, beyond what an agent of its own level may. */
  mayUrge(level: Level): boolean {
    if (!this.#rules.urges(level)) return false;
    return this.#also(
      (one) => one.mayUrge(level),
      (gone) => gone.grants.bus.priorityMax !== undefined,
    );
  }

  mayCall(tool: string): boolean {
    if (!this.#rules.tools.has(tool)) return false;
    return this.#also(
      (one) => one.mayCall(tool),
      (gone) => gone.tools.has(tool),
    );
  }

  /** Whether it may start an agent of that name. */
  maySpawn(agent: string): boolean {
    if (!this.#rules.spawns(agent)) return false;
    return this.#also(
      (one) => one.maySpawn(agent),
      (gone) => gone.spawns(agent),
    );
  }

  /** Whether it may use a channel, a lease or a group of that name, or make agents like one of that name, or tie itself to one. */
  mayShare(kind: SharedKind, name: string): boolean {
    if (!this.#rules[kind].has(name)) return false;
    return this.#also(
      (one) => one.mayShare(kind, name),
      (gone) => gone[kind].has(name),
    );
  }

  /** Whether it may make a request; every redirection is another request. */
  mayConnect(target: HttpTarget): boolean {
    if (!this.#rules.connects(target)) return false;
    return this.#also(
      (one) => one.mayConnect(target),
      (gone) => gone.connects(target),
    );
  }

  /** Whether it may connect a socket to a host as it names it. */
  mayReach(host: string, port: number): boolean {
    const name = hostName(host);
    if (name === undefined || !this.#rules.reaches(name, port)) return false;
    return this.#also(
      (one) => one.mayReach(name, port),
      (gone) => gone.reaches(name, port),
    );
  }

  /** Whether it may see a folder, under the name it has for it, and write there if that is the mode. */
  mayOpen(file: FileGrant): boolean {
    if (!this.#rules.opens(file)) return false;
    return this.#also(
      (one) => one.mayOpen(file),
      (gone) => gone.names(file.guest),
    );
  }

  /** Whether it may be given the value of a secret. */
  mayUseSecret(handle: string): boolean {
    if (!this.#rules.grants.secrets.includes(handle)) return false;
    return this.#also(
      (one) => one.mayUseSecret(handle),
      (gone) => gone.grants.secrets.includes(handle),
    );
  }

  /** Whether it has a memory beyond a message. */
  mayUseContext(): boolean {
    if (!this.#rules.grants.context) return false;
    return this.#also(
      (one) => one.mayUseContext(),
      (gone) => gone.grants.context,
    );
  }

  /**
   * What is granted now, as far as it can be written as grants: for showing, and for what is set up with an instance
   * (`files`, `net`, `environment`). It never says more than the questions above would allow.
   */
  get grants(): Grants {
    if (this.#isRevoked) return noGrants;
    const own = (this.#revoked ?? []).reduce((left, gone) => without(left, gone.grants), this.#rules.grants);
    return this.#parent === undefined ? own : intersection(own, this.#parent.grants);
  }

  /** Whether everything was taken back, here or where the rights came from. */
  get isRevoked(): boolean {
    return this.#isRevoked || this.#parent?.isRevoked === true;
  }

  /** How many hands the rights went through: 0 for an agent's own, at most `delegationsMax`. */
  get delegations(): number {
    return this.#delegations;
  }

  /**
   * What both these rights and `narrower` allow, for the same agent.
   * @throws HostError `HOST_ERR_CAPABILITY_DEPTH` beyond `narrowingsMax`, `HOST_ERR_GRANT_INVALID`
   */
  attenuate(narrower: Grants): Capabilities {
    return this.#narrow(narrower, this.#manifestPath, false);
  }

  /**
   * What both these rights and `narrower` allow, for another agent; `manifestPath` is that agent's, for cures.
   * @throws HostError `HOST_ERR_CAPABILITY_DEPTH` beyond `delegationsMax`, `HOST_ERR_GRANT_INVALID`
   */
  delegate(narrower: Grants, manifestPath: string = this.#manifestPath): Capabilities {
    if (this.#delegations >= delegationsMax) throw tooDeep('handed on', 'delegationsMax', delegationsMax);
    return this.#narrow(narrower, manifestPath, true);
  }

  #narrow(narrower: Grants, manifestPath: string, isDelegated: boolean): Capabilities {
    if (this.#narrowings >= narrowingsMax) throw tooDeep('narrowed', 'narrowingsMax', narrowingsMax);
    return new Capabilities(Rules.of(narrower), manifestPath, this, isDelegated);
  }

  /**
   * Takes rights back: those that `what` grants, else all; from the next question on, here and in all that came of
   * these. Listeners are told before this returns.
   * @throws AggregateError of what listeners threw, after all were told
   */
  revoke(what?: Grants): void {
    if (what === undefined || (this.#revoked?.length ?? 0) >= revocationsMax) this.#isRevoked = true;
    else {
      this.#revoked ??= [];
      this.#revoked.push(Rules.of(what));
    }
    this.#tell(this.#isRevoked ? undefined : what);
  }

  /**
   * Calls `listener` whenever some of these rights are taken back, here or where they came from; at once if all were.
   * Returns the way to end it, which every call in flight takes when it ends.
   * @throws HostError `HOST_ERR_BUDGET_EXHAUSTED` beyond `listenersMax`
   */
  onRevoke(listener: RevocationListener): () => void {
    if (this.isRevoked) {
      listener(undefined);
      return () => {};
    }
    // Its own function, so that listening twice is ended twice.
    const own: RevocationListener = (what) => listener(what);
    for (const one of this.#lineage()) one.#assertRoom();
    for (const one of this.#lineage()) {
      one.#listeners ??= new Set();
      one.#listeners.add(own);
    }
    return () => {
      for (const one of this.#lineage()) one.#listeners?.delete(own);
    };
  }

  /**
   * For the operator: the manifest line that would allow what was denied, or why none would. It tells nothing of
   * whether the target exists, and is nothing for a guest's eyes.
   */
  cure(kind: CureKind, target: string): string {
    const line = grantLine(kind, target, this.#rules.grants);
    const isHandedOn = this.#parent !== undefined && !line.isFault;
    const why = this.isRevoked
      ? "the agent's rights were taken back; installing it again gives them"
      : `${isHandedOn ? 'not among the rights handed on to it: ' : ''}${line.text}`;
    return `${this.#manifestPath}: ${why}`;
  }

  /** Whether its own rules are all there is to ask. */
  get #isWhole(): boolean {
    return this.#parent === undefined && this.#revoked === undefined && !this.#isRevoked;
  }

  /** What its own rules allow, was it not taken back, and do those it came from allow it too? */
  #also(ask: (parent: Capabilities) => boolean, isGone: (revoked: Rules) => boolean): boolean {
    if (this.#isRevoked || this.#revoked?.some(isGone) === true) return false;
    return this.#parent === undefined || ask(this.#parent);
  }

  *#lineage(): Generator<Capabilities> {
    for (let one: Capabilities | undefined = this; one !== undefined; one = one.#parent) yield one;
  }

  #assertRoom(): void {
    if ((this.#listeners?.size ?? 0) < listenersMax) return;
    throw new HostError(
      'HOST_ERR_BUDGET_EXHAUSTED',
      `${this.#manifestPath}: more than ${listenersMax} calls under way with the same rights (listenersMax); let some end first`,
      { max: listenersMax },
    );
  }

  #tell(what: Grants | undefined): void {
    const thrown: unknown[] = [];
    for (const listener of [...(this.#listeners ?? [])]) {
      try {
        listener(what);
      } catch (cause) {
        thrown.push(cause);
      }
    }
    if (thrown.length > 0) throw new AggregateError(thrown, 'listeners to a revocation threw');
  }
}

function tooDeep(what: string, limit: string, max: number): HostError {
  return new HostError(
    'HOST_ERR_CAPABILITY_DEPTH',
    `rights can be ${what} at most ${max} times (${limit}); hand them on from an agent closer to their origin`,
    { max },
  );
}
