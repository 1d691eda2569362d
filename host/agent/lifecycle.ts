import { HostError } from '../errors.ts';

/** Where an agent is in its life, by number: what is compared for every message. */
export const life = {
  /** Installed; it has not begun. */
  created: 0,
  /** It is given an instance, and starts. */
  initializing: 1,
  /** It can take a message, in memory or out of it. */
  ready: 2,
  /** It handles one. */
  running: 3,
  /** In the middle of one, it waits for something outside. */
  waiting: 4,
  /** It handles nothing until somebody says so: paused, or held with what it failed at. */
  suspended: 5,
  /** It ended by itself, in good order. */
  completed: 6,
  /** Its instance is lost; unless its manifest says otherwise, its next message begins another. */
  failed: 7,
  /** It is told to end, and ends what it has begun. */
  terminating: 8,
  /** It handles nothing any more. */
  terminated: 9,
  /** Its thread is lost, and no other has it yet. */
  unreachable: 10,
} as const;

export type LifeNumber = (typeof life)[keyof typeof life];
export type LifecycleState = keyof typeof life;

export const lifecycleStates = Object.keys(life) as readonly LifecycleState[];

/** What may follow each state, and what it means that it does. */
export const transitions: {
  readonly [from in LifecycleState]: { readonly [to in LifecycleState]?: string };
} = {
  created: {
    initializing: 'it begins',
    ready: 'what it was is found on disk',
    completed: 'what it was to do is done already',
    suspended: 'paused',
    terminating: 'stopped',
    terminated: 'killed',
    unreachable: 'its thread is lost',
  },
  initializing: {
    ready: 'its configuration is valid, and it has started',
    failed: 'its configuration is not valid, or it did not start',
    completed: 'it ended while it started',
    suspended: 'paused, or the policies do not permit it',
    terminating: 'stopped',
    terminated: 'killed',
    unreachable: 'its thread is lost',
  },
  ready: {
    running: 'a message came',
    initializing: 'it begins anew',
    created: 'another version took its place',
    completed: 'nothing is left for it to do',
    failed: 'its state is lost, or there is no room for it',
    suspended: 'paused',
    terminating: 'stopped, or the host ends',
    terminated: 'killed',
    unreachable: 'its thread is lost',
  },
  running: {
    ready: 'the message is dealt with',
    waiting: 'it waits for something outside',
    suspended: 'paused, or a policy or a limit was violated',
    completed: 'it ended by itself, or its work is done',
    failed: 'it trapped, came to a limit, or was cancelled',
    terminating: 'stopped',
    terminated: 'killed',
    unreachable: 'its thread is lost',
  },
  waiting: {
    running: 'what it waited for has come',
    suspended: 'paused',
    completed: 'it ended by itself',
    failed: 'its time was over, or its asker gave up',
    terminating: 'stopped',
    terminated: 'killed',
    unreachable: 'its thread is lost',
  },
  suspended: {
    running: 'resumed in the middle of a message',
    ready: 'resumed',
    waiting: 'resumed while it waits',
    initializing: 'resumed while it starts',
    created: 'resumed before it began',
    terminating: 'stopped',
    terminated: 'killed',
    unreachable: 'its thread is lost',
  },
  completed: {
    initializing: 'it begins anew',
    created: 'another version took its place',
    suspended: 'paused',
    terminating: 'stopped',
    terminated: 'killed',
    unreachable: 'its thread is lost',
  },
  failed: {
    initializing: 'it begins anew',
    ready: 'it goes on with what was saved',
    created: 'another version took its place',
    suspended: 'held with what it failed at, or paused',
    terminating: 'its manifest says so, or stopped',
    terminated: 'killed',
    unreachable: 'its thread is lost',
  },
  terminating: {
    terminated: 'it has ended',
    failed: 'it did not end in good order',
    unreachable: 'its thread is lost',
  },
  terminated: {
    created: 'a person lets it begin anew, or another version took its place',
    unreachable: 'its thread is lost',
  },
  unreachable: {
    created: 'another thread has it',
    ready: 'another thread has what it was',
    suspended: 'another thread has it, and it is not to go on',
    terminated: 'another thread has it, and it has ended',
  },
};

/** For each state the bits of those that may follow. */
const legal: Uint16Array = Uint16Array.from(lifecycleStates, (from) =>
  Object.keys(transitions[from]).reduce((bits, to) => bits | (1 << life[to as LifecycleState]), 0),
);

export function isLegal(from: LifecycleState, to: LifecycleState): boolean {
  return transitions[from][to] !== undefined;
}

/** Hears of every transition, after it. */
export interface LifecycleWatch {
  turned(from: LifeNumber, to: LifeNumber, why: string): void;
}

/**
 * The state of one agent, which is changed along the table or not at all. While it is suspended, what it would be
 * otherwise goes on changing beneath: that is what it is when it is resumed.
 */
export class Lifecycle {
  readonly #name: string;
  readonly #watch: LifecycleWatch;
  #now: LifeNumber = life.created;
  #beneath: LifeNumber = life.created;

  constructor(name: string, watch: LifecycleWatch) {
    this.#name = name;
    this.#watch = watch;
  }

  get state(): LifecycleState {
    return lifecycleStates[this.#now] as LifecycleState;
  }

  get number(): LifeNumber {
    return this.#now;
  }

  get isSuspended(): boolean {
    return this.#now === life.suspended;
  }

  /** It was this on the thread that it comes from: nobody is told, nothing befell it. */
  resumeAs(number: LifeNumber): void {
    this.#now = number;
    this.#beneath = number;
  }

  /** What it is, or would be if it were not suspended. */
  get beneath(): LifeNumber {
    return this.#now === life.suspended ? this.#beneath : this.#now;
  }

  /**
   * Is in another state from now on; in the same one, nothing happens.
   * @throws HostError `HOST_ERR_LIFECYCLE_ILLEGAL`
   */
  to(next: LifeNumber, why = ''): void {
    const fault = this.attempt(next, why);
    if (fault !== undefined) throw fault;
  }

  /** As `to`, with what that would throw as a value. */
  attempt(next: LifeNumber, why = ''): HostError | undefined {
    const isBeneath = this.#isBeneath(next);
    const from = isBeneath ? this.#beneath : this.#now;
    if (from === next) return undefined;
    if (((legal[from] as number) & (1 << next)) === 0)
      return illegal(
        this.#name,
        lifecycleStates[from] as LifecycleState,
        lifecycleStates[next] as LifecycleState,
      );
    if (isBeneath) this.#beneath = next;
    else {
      this.#now = next;
      this.#watch.turned(from, next, why);
    }
    return undefined;
  }

  /** Whether this would change what it is beneath its suspension, and not that. */
  #isBeneath(next: LifeNumber): boolean {
    if (this.#now !== life.suspended || next === life.suspended) return false;
    return next !== life.terminating && next !== life.terminated;
  }

  /** @throws HostError `HOST_ERR_LIFECYCLE_ILLEGAL` */
  suspend(why: string): void {
    const from = this.#now;
    if (from === life.suspended) return;
    if (((legal[from] as number) & (1 << life.suspended)) === 0) this.#refuse(from, life.suspended);
    this.#beneath = from;
    this.#now = life.suspended;
    this.#watch.turned(from, life.suspended, why);
  }

  /** Is again what it was, or has become beneath; what had ended can begin anew. Nothing unless it is suspended. */
  resume(why = ''): void {
    if (this.#now !== life.suspended) return;
    const hasEnded = this.#beneath === life.failed || this.#beneath === life.completed;
    this.#now = hasEnded ? life.ready : this.#beneath;
    this.#watch.turned(life.suspended, this.#now, why);
  }

  /** @throws HostError `HOST_ERR_LIFECYCLE_ILLEGAL` when it is in a state from which it cannot be this */
  assert(next: LifeNumber): void {
    if (((legal[this.#now] as number) & (1 << next)) === 0) this.#refuse(this.#now, next);
  }

  #refuse(from: LifeNumber, to: LifeNumber): never {
    throw illegal(this.#name, lifecycleStates[from] as LifecycleState, lifecycleStates[to] as LifecycleState);
  }
}

export function illegal(agent: string, from: LifecycleState, to: LifecycleState, cure?: string): HostError {
  const may = Object.keys(transitions[from]).filter((one) => one !== 'unreachable');
  return new HostError(
    'HOST_ERR_LIFECYCLE_ILLEGAL',
    `${agent} is ${from}, and cannot be ${to} from there: ${cure ?? `it can be ${may.join(', ')}`}`,
    { agent, from, to },
  );
}
