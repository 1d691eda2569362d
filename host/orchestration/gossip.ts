import { Topology, type TopologyKind } from './topology.ts';

export interface GossipOptions {
  readonly kind: TopologyKind;
  readonly members: readonly string[];
  /** Has it from the start; need not be a member: then it tells the first one. */
  readonly origin: string;
  /** Gives a member what is spread; false, or whatever it throws: it could not be given. Called once for each that takes it. */
  readonly tell: (member: string, from: string, round: number) => boolean | Promise<boolean>;
  /** Neighbours that a member tells in a round; default 3. */
  readonly fanout?: number;
  /** Default: as many as there are members, which is enough for a ring. */
  readonly roundsMax?: number;
  /** Times that a member is tried before it counts as gone; default 3. */
  readonly attemptsMax?: number;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly signal?: AbortSignal;
}

export interface Coverage {
  readonly reached: readonly string[];
  /** Those who could not be told. */
  readonly missed: readonly string[];
  readonly rounds: number;
  /** Times that somebody was about to be told again, and was not: he had it. */
  readonly duplicates: number;
}

const fanoutDefault = 3;
const drawsPerPick = 4;
const attemptsDefault = 3;

/**
 * Spreads something among the members of a topology: in each round, everybody who has it tells a few neighbours whom
 * he has not told yet. Whoever cannot be told is tried again, and then left out: the topology closes behind him.
 */
export function spread(options: GossipOptions): Promise<Coverage> {
  return new Gossip(options).run();
}

class Gossip {
  readonly #options: GossipOptions;
  readonly #topology: Topology;
  readonly #fanout: number;
  readonly #attemptsMax: number;
  readonly #told = new Map<string, Set<string>>();
  readonly #failures = new Map<string, number>();
  readonly #missed: string[] = [];
  #rounds = 0;
  #duplicates = 0;

  constructor(options: GossipOptions) {
    this.#options = options;
    this.#topology = new Topology(options.kind, options.members);
    this.#fanout = options.fanout ?? fanoutDefault;
    this.#attemptsMax = options.attemptsMax ?? attemptsDefault;
    this.#told.set(options.origin, new Set());
  }

  async run(): Promise<Coverage> {
    const { members, roundsMax = members.length * this.#attemptsMax + 1, signal, origin } = this.#options;
    while (!this.#isDone && this.#rounds < roundsMax && signal?.aborted !== true) {
      this.#rounds += 1;
      if (!(await this.#round())) break;
    }
    const reached = members.filter((member) => this.#told.has(member) && member !== origin);
    const left = members.filter((member) => !this.#told.has(member) && !this.#missed.includes(member));
    return {
      reached,
      missed: [...this.#missed, ...left],
      rounds: this.#rounds,
      duplicates: this.#duplicates,
    };
  }

  get #isDone(): boolean {
    return this.#topology.members.every((member) => this.#told.has(member));
  }

  /** Whether anybody was tried. */
  async #round(): Promise<boolean> {
    const { origin } = this.#options;
    const pairs: (readonly [from: string, to: string])[] = [];
    const chosen = new Set<string>();
    for (const [from, told] of this.#told) {
      const neighbours = this.#neighboursOf(from, origin);
      for (const to of this.#some(neighbours, told)) {
        if (this.#told.has(to) || chosen.has(to)) {
          told.add(to);
          this.#duplicates += 1;
        } else {
          chosen.add(to);
          pairs.push([from, to]);
        }
      }
    }
    await Promise.all(pairs.map(([from, to]) => this.#try(from, to)));
    return pairs.length > 0 || this.#hasFresh();
  }

  /** Whether somebody who has it knows somebody he has not told. */
  #hasFresh(): boolean {
    const { origin } = this.#options;
    for (const [from, told] of this.#told)
      if (this.#neighboursOf(from, origin).some((member) => !told.has(member))) return true;
    return false;
  }

  #neighboursOf(from: string, origin: string): readonly string[] {
    const isOutside = from === origin && !this.#topology.has(from);
    return isOutside ? this.#topology.members.slice(0, 1) : this.#topology.neighbours(from);
  }

  async #try(from: string, to: string): Promise<void> {
    let isTold = false;
    try {
      isTold = await this.#options.tell(to, from, this.#rounds);
    } catch {
      // As when it says no.
    }
    if (isTold) {
      this.#told.set(to, new Set([from]));
      this.#told.get(from)?.add(to);
      return;
    }
    const failures = (this.#failures.get(to) ?? 0) + 1;
    this.#failures.set(to, failures);
    if (failures < this.#attemptsMax) return;
    this.#missed.push(to);
    this.#topology.remove(to);
  }

  /** At most `fanout` of those who were not told by this one, any of them. */
  #some(neighbours: readonly string[], told: ReadonlySet<string>): readonly string[] {
    const { random } = this.#options;
    const some: string[] = [];
    for (let draw = 0; draw < this.#fanout * drawsPerPick && some.length < this.#fanout; draw += 1) {
      const member = neighbours[Math.floor(random() * neighbours.length)];
      if (member !== undefined && !told.has(member) && !some.includes(member)) some.push(member);
    }
    if (some.length === this.#fanout) return some;
    // Few are left, and drawing finds them badly.
    const from = Math.floor(random() * neighbours.length);
    for (let at = 0; at < neighbours.length && some.length < this.#fanout; at += 1) {
      const member = neighbours[(from + at) % neighbours.length] as string;
      if (!told.has(member) && !some.includes(member)) some.push(member);
    }
    return some;
  }
}
