/** What follows for somebody from another's end. */
export type Signal<Key> =
  /** It ends too, for the same reason. */
  | { readonly kind: 'exit'; readonly to: Key; readonly from: Key; readonly reason: ExitReason }
  /** It traps exits, and is told. */
  | { readonly kind: 'exit-notice'; readonly to: Key; readonly from: Key; readonly reason: ExitReason }
  /** It watched. */
  | {
      readonly kind: 'down';
      readonly to: Key;
      readonly from: Key;
      readonly monitor: number;
      readonly reason: ExitReason;
    };

/** `normal` takes nobody along. */
export type ExitReason = 'normal' | { readonly why: string };

/** Links and monitors of one. */
export const tiesMax = 10_000;

/**
 * Who is tied to whom. A link goes both ways: whoever ends, not in good order, takes along whom it is linked to, unless
 * that traps exits and is told instead. A monitor goes one way and does no more than tell. Both end with the end they
 * tell of.
 */
export class Ties<Key> {
  readonly #links = new Map<Key, Set<Key>>();
  /** By who is watched: the numbers of monitors, and who watches. */
  readonly #monitors = new Map<Key, Map<number, Key>>();
  readonly #watched = new Map<number, Key>();
  readonly #trapping = new Set<Key>();
  #last: number;

  /** Numbers of monitors begin after `last`. */
  constructor(last = 0) {
    this.#last = last;
  }

  /** The number of the latest monitor. */
  get last(): number {
    return this.#last;
  }

  /** False: they are linked already, or are the same, or one has too many links. */
  link(one: Key, other: Key): boolean {
    const [mine, its] = [this.#linksOf(one), this.#linksOf(other)];
    if (one === other || mine.has(other) || mine.size >= tiesMax || its.size >= tiesMax) return false;
    mine.add(other);
    its.add(one);
    this.#links.set(one, mine);
    this.#links.set(other, its);
    return true;
  }

  unlink(one: Key, other: Key): boolean {
    this.#links.get(other)?.delete(one);
    return this.#links.get(one)?.delete(other) ?? false;
  }

  #linksOf(key: Key): Set<Key> {
    return this.#links.get(key) ?? new Set();
  }

  linkedTo(key: Key): readonly Key[] {
    return [...this.#linksOf(key)];
  }

  /** A monitor's number, never used again; 0: there are too many. One may watch the same one several times. */
  monitor(watcher: Key, watched: Key): number {
    if ((this.#monitors.get(watched)?.size ?? 0) >= tiesMax) return 0;
    this.#last += 1;
    this.restore(this.#last, watcher, watched);
    return this.#last;
  }

  /** A monitor that has its number already. */
  restore(number: number, watcher: Key, watched: Key): void {
    const own = this.#monitors.get(watched) ?? new Map<number, Key>();
    own.set(number, watcher);
    this.#monitors.set(watched, own);
    this.#watched.set(number, watched);
  }

  demonitor(monitor: number): boolean {
    const watched = this.#watched.get(monitor);
    if (watched === undefined) return false;
    this.#monitors.get(watched)?.delete(monitor);
    return this.#watched.delete(monitor);
  }

  trapExits(key: Key, isTrapping: boolean): void {
    if (isTrapping) this.#trapping.add(key);
    else this.#trapping.delete(key);
  }

  /** Whether anybody is concerned by its end. */
  has(key: Key): boolean {
    return this.#linksOf(key).size > 0 || (this.#monitors.get(key)?.size ?? 0) > 0;
  }

  /** It ended: what follows, links first. It has no ties any more, those to whom it watched aside. */
  exit(key: Key, reason: ExitReason): readonly Signal<Key>[] {
    const signals: Signal<Key>[] = [];
    for (const to of this.linkedTo(key)) {
      this.unlink(key, to);
      if (this.#trapping.has(to)) signals.push({ kind: 'exit-notice', to, from: key, reason });
      else if (reason !== 'normal') signals.push({ kind: 'exit', to, from: key, reason });
    }
    for (const [monitor, to] of this.#monitors.get(key) ?? []) {
      this.#watched.delete(monitor);
      signals.push({ kind: 'down', to, from: key, monitor, reason });
    }
    this.#links.delete(key);
    this.#monitors.delete(key);
    return signals;
  }

  /** It is gone and nobody is to be told: what it watched, it watches no more. */
  forget(key: Key): void {
    for (const other of this.linkedTo(key)) this.unlink(key, other);
    for (const monitor of this.#monitors.get(key)?.keys() ?? []) this.#watched.delete(monitor);
    for (const [watched, own] of this.#monitors)
      for (const [monitor, watcher] of own) if (watcher === key && watched !== key) this.demonitor(monitor);
    this.#links.delete(key);
    this.#monitors.delete(key);
    this.#trapping.delete(key);
  }
}
