import { HostError } from '../errors.ts';

/** How many have to agree: a number of voters, more than half of them, or more than two thirds. */
export type Threshold = number | 'majority' | 'supermajority';

/** @throws HostError `HOST_ERR_VALUE_INVALID` for a number that is none, or more than there are voters */
export function votesNeeded(threshold: Threshold, voters: number): number {
  if (threshold === 'majority') return Math.floor(voters / 2) + 1;
  if (threshold === 'supermajority') return Math.floor((2 * voters) / 3) + 1;
  if (Number.isInteger(threshold) && threshold >= 1 && threshold <= voters) return threshold;
  throw new HostError(
    'HOST_ERR_VALUE_INVALID',
    `a threshold of ${threshold} among ${voters} voters: a whole number from 1 to ${voters}, 'majority' or 'supermajority'`,
    { threshold, voters },
  );
}

/** What a voter said: an answer, that it failed, or nothing yet. */
export type Vote<Answer> =
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'silent' };

/** What became of a vote: only one that is `counted` changes anything. */
export type Cast = 'counted' | 'double' | 'late' | 'stranger';

export type QuorumState = 'open' | 'decided' | 'failed';

/** Where a quorum is, or how it ended. */
export interface Tally<Answer> {
  readonly state: QuorumState;
  /** The answer that as many as needed gave. */
  readonly decision: Answer | undefined;
  /** How many gave the answer that most gave. */
  readonly agreed: number;
  readonly needed: number;
  /** In the order of the voters. */
  readonly votes: readonly (readonly [voter: string, vote: Vote<Answer>])[];
}

export interface QuorumOptions<Answer> {
  readonly voters: readonly string[];
  readonly threshold: Threshold;
  /** Answers with the same text are the same answer. */
  readonly keyOf: (answer: Answer) => string;
}

const silent = { kind: 'silent' } as const;

/**
 * Votes on one question. It is decided when as many voters as needed gave the same answer, and has failed when that
 * cannot be any more, so that voters who answer anything, or differently to everybody, decide nothing by themselves.
 */
export class Quorum<Answer> {
  readonly needed: number;
  readonly #keyOf: (answer: Answer) => string;
  readonly #votes: Map<string, Vote<Answer>>;
  readonly #counts = new Map<string, number>();
  #open: number;
  #agreed = 0;
  #decision: Answer | undefined;
  #isEnded = false;

  /** @throws HostError `HOST_ERR_VALUE_INVALID` for a threshold that nobody can reach */
  constructor({ voters, threshold, keyOf }: QuorumOptions<Answer>) {
    this.#votes = new Map(voters.map((voter) => [voter, silent]));
    this.#open = this.#votes.size;
    this.needed = votesNeeded(threshold, this.#votes.size);
    this.#keyOf = keyOf;
  }

  get state(): QuorumState {
    if (this.#agreed >= this.needed) return 'decided';
    return this.#isEnded || this.#agreed + this.#open < this.needed ? 'failed' : 'open';
  }

  /** Whether nobody is to be heard any more. */
  get isComplete(): boolean {
    return this.#open === 0;
  }

  answer(voter: string, answer: Answer): Cast {
    const cast = this.#record(voter, { kind: 'answer', answer });
    if (cast !== 'counted') return cast;
    const key = this.#keyOf(answer);
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    if (count > this.#agreed) this.#agreed = count;
    if (count === this.needed && this.#decision === undefined) this.#decision = answer;
    return cast;
  }

  fail(voter: string, why: string): Cast {
    return this.#record(voter, { kind: 'failed', why });
  }

  /** Whatever is said from now on is late. */
  end(): void {
    this.#isEnded = true;
  }

  get tally(): Tally<Answer> {
    const { state, needed } = this;
    return { state, decision: this.#decision, agreed: this.#agreed, needed, votes: [...this.#votes] };
  }

  #record(voter: string, vote: Vote<Answer>): Cast {
    const before = this.#votes.get(voter);
    if (before === undefined) return 'stranger';
    if (before.kind !== 'silent') return 'double';
    if (this.#isEnded) return 'late';
    this.#votes.set(voter, vote);
    this.#open -= 1;
    return 'counted';
  }
}

export interface GatherOptions<Answer> extends QuorumOptions<Answer> {
  /** Asks one voter; what it throws is why it failed. `signal` aborts when its answer is not needed any more. */
  readonly ask: (voter: string, signal: AbortSignal) => Promise<Answer>;
  /** Resolves when the time is over; rejects when `signal` aborts (`Clock.sleep`). */
  readonly timeout: (signal: AbortSignal) => Promise<void>;
  /** Hears everybody out, though it is decided; default: ends as soon as the decision stands. */
  readonly isForAll?: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly whyOf?: (thrown: unknown) => string;
}

/** Asks all voters at once and gathers their votes, until it is decided, cannot be any more, or the time is over. */
export async function gatherQuorum<Answer>(options: GatherOptions<Answer>): Promise<Tally<Answer>> {
  const { voters, ask, timeout, isForAll = false, signal, whyOf = String } = options;
  const quorum = new Quorum(options);
  const over = new AbortController();
  const ended = Promise.withResolvers<void>();
  const look = (): void => {
    if (quorum.isComplete || (!isForAll && quorum.state !== 'open')) ended.resolve();
  };
  const hear = async (voter: string): Promise<void> => {
    try {
      quorum.answer(voter, await ask(voter, over.signal));
    } catch (thrown) {
      quorum.fail(voter, whyOf(thrown));
    }
    look();
  };
  const stop = (): void => ended.resolve();
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted === true) stop();
  timeout(over.signal).then(stop, () => {});
  for (const voter of new Set(voters)) void hear(voter);
  look();
  await ended.promise;
  quorum.end();
  over.abort();
  signal?.removeEventListener('abort', stop);
  return quorum.tally;
}
