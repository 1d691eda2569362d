/** Somebody who asked to be told of another's end. */
export interface AskedMonitor {
  /** As `Ties.monitor` gave it. */
  readonly number: number;
  readonly watcher: string;
  readonly watched: string;
}

/** All that one has tied itself to. */
export interface TiesOfOne {
  readonly links: readonly string[];
  readonly monitors: readonly AskedMonitor[];
}

/**
 * Which ties were asked for while their owners ran, as opposed to those that a manifest declares. Each is gone with the
 * end of either of the two; a declared one comes again.
 */
export class AskedTies {
  readonly #links = new Map<string, Set<string>>();
  readonly #monitors = new Map<number, AskedMonitor>();
  /** Numbers of monitors, by either of the two. */
  readonly #monitorsOf = new Map<string, Set<number>>();

  link(one: string, other: string): void {
    membersOf(this.#links, one).add(other);
    membersOf(this.#links, other).add(one);
  }

  /** False: no such link was asked for. */
  unlink(one: string, other: string): boolean {
    leave(this.#links, other, one);
    return leave(this.#links, one, other);
  }

  isLinked(one: string, other: string): boolean {
    return this.#links.get(one)?.has(other) === true;
  }

  monitor(monitor: AskedMonitor): void {
    this.#monitors.set(monitor.number, monitor);
    membersOf(this.#monitorsOf, monitor.watcher).add(monitor.number);
    membersOf(this.#monitorsOf, monitor.watched).add(monitor.number);
  }

  /** Of whoever watches; undefined: it has no such monitor. */
  demonitor(watcher: string, number: number): AskedMonitor | undefined {
    const monitor = this.#monitors.get(number);
    if (monitor?.watcher !== watcher) return undefined;
    this.#monitors.delete(number);
    leave(this.#monitorsOf, monitor.watcher, number);
    leave(this.#monitorsOf, monitor.watched, number);
    return monitor;
  }

  isMonitor(number: number): boolean {
    return this.#monitors.has(number);
  }

  /** Links that it has, whoever asked for them, and others whom it watches. */
  of(name: string): TiesOfOne {
    const monitors = [...(this.#monitorsOf.get(name) ?? [])]
      .map((number) => this.#monitors.get(number) as AskedMonitor)
      .filter(({ watcher }) => watcher === name);
    return { links: [...(this.#links.get(name) ?? [])], monitors };
  }

  /** Whether it has any, or is watched. */
  has(name: string): boolean {
    return this.#links.has(name) || this.#monitorsOf.has(name);
  }

  /** Who has any, or is watched. */
  get names(): ReadonlySet<string> {
    return new Set([...this.#links.keys(), ...this.#monitorsOf.keys()]);
  }

  get links(): readonly (readonly [one: string, other: string])[] {
    return [...this.#links].flatMap(([one, others]) =>
      [...others].filter((other) => one < other).map((other) => [one, other] as const),
    );
  }

  get monitors(): Iterable<AskedMonitor> {
    return this.#monitors.values();
  }

  /** It ended, and all its ties with it; those with whom it had them. */
  endOf(name: string): readonly string[] {
    const { links } = this.of(name);
    for (const other of links) this.unlink(name, other);
    const numbers = [...(this.#monitorsOf.get(name) ?? [])];
    const monitors = numbers.map((number) => this.#monitors.get(number) as AskedMonitor);
    for (const { watcher, number } of monitors) this.demonitor(watcher, number);
    return [...links, ...monitors.map(({ watcher, watched }) => (watcher === name ? watched : watcher))];
  }
}

function membersOf<Member>(sets: Map<string, Set<Member>>, key: string): Set<Member> {
  let set = sets.get(key);
  if (set === undefined) {
    set = new Set();
    sets.set(key, set);
  }
  return set;
}

function leave<Member>(sets: Map<string, Set<Member>>, key: string, member: Member): boolean {
  const set = sets.get(key);
  const wasThere = set?.delete(member) ?? false;
  if (set?.size === 0) sets.delete(key);
  return wasThere;
}
