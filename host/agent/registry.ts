import type { Spec } from './spec.ts';

/** One agent as the main thread knows it. */
export interface AgentRecord {
  readonly id: number;
  readonly name: string;
  spec: Spec;
  /** The thread that owns it. */
  thread: number;
  /** How it came here. */
  origin: Origin;
  /** Digests of the versions before, newest first; shared while there are none. */
  earlier: readonly string[];
}

/** Where an agent was installed from; one object for all that came together. */
export interface Origin {
  /** Undefined: over HTTP, or spawned by host code. */
  readonly manifestPath: string | undefined;
  readonly manifestText: string;
  readonly installedAtMs: number;
}

const earlierMax = 10;
const none: readonly string[] = [];

/** All agents of a host by name, and which thread has them. */
export class Registry {
  readonly #byName = new Map<string, AgentRecord>();
  /** Names in order, made when a list is asked for, until the next change. */
  #sorted: string[] | undefined;
  readonly #threadSizes: number[] = [];

  get size(): number {
    return this.#byName.size;
  }

  get(name: string): AgentRecord | undefined {
    return this.#byName.get(name);
  }

  records(): IterableIterator<AgentRecord> {
    return this.#byName.values();
  }

  /** Gives a new agent a thread: `home` where its state lies already, else the one of `threads` with the fewest agents. */
  add(
    id: number,
    name: string,
    spec: Spec,
    origin: Origin,
    threads: readonly number[],
    home?: number,
  ): AgentRecord {
    if (this.#byName.has(name)) throw new Error(`bug: an agent '${name}' is there already`);
    const record: AgentRecord = {
      id,
      name,
      spec,
      thread: home ?? this.#place(threads),
      origin,
      earlier: none,
    };
    this.#byName.set(name, record);
    this.#threadSizes[record.thread] = this.agentsOf(record.thread) + 1;
    this.#sorted = undefined;
    return record;
  }

  #place(threads: readonly number[]): number {
    let best = threads[0] as number;
    for (const thread of threads) if (this.agentsOf(thread) < this.agentsOf(best)) best = thread;
    return best;
  }

  agentsOf(thread: number): number {
    return this.#threadSizes[thread] ?? 0;
  }

  replace(record: AgentRecord, spec: Spec, origin: Origin): void {
    const { digest } = record.spec.program.facts;
    if (digest !== spec.program.facts.digest)
      record.earlier = [digest, ...record.earlier].slice(0, earlierMax);
    record.spec = spec;
    record.origin = origin;
  }

  remove(record: AgentRecord): void {
    this.#byName.delete(record.name);
    this.#threadSizes[record.thread] = this.agentsOf(record.thread) - 1;
    this.#sorted = undefined;
  }

  /** At most `max` agents in the order of their names, after one name. */
  list(after: string | undefined, max: number, prefix = ''): readonly AgentRecord[] {
    this.#sorted ??= [...this.#byName.keys()].sort();
    const names = this.#sorted;
    const found: AgentRecord[] = [];
    const from = after !== undefined && after >= prefix ? after : prefix;
    for (let at = firstFrom(names, from); at < names.length && found.length < max; at += 1) {
      const name = names[at] as string;
      if (!name.startsWith(prefix)) break;
      if (name === after) continue;
      found.push(this.#byName.get(name) as AgentRecord);
    }
    return found;
  }
}

/** Index of the first name that is not before `from`. */
function firstFrom(names: readonly string[], from: string): number {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((names[middle] as string) < from) low = middle + 1;
    else high = middle;
  }
  return low;
}
