/** Somebody's place among the idle: kept for good, so that coming and going makes no object. */
export class IdlePlace<T> {
  readonly owner: T;
  list: IdleList<T> | undefined = undefined;
  before: IdlePlace<T> | undefined = undefined;
  after: IdlePlace<T> | undefined = undefined;

  constructor(owner: T) {
    this.owner = owner;
  }

  /** Leaves the list it is in, if any. */
  leave(): void {
    this.list?.delete(this);
  }
}

/** Who is idle, in the order in which they became it. */
export class IdleList<T> {
  #first: IdlePlace<T> | undefined;
  #last: IdlePlace<T> | undefined;

  /** The one that has been idle for the longest. */
  get oldest(): T | undefined {
    return this.#first?.owner;
  }

  all(): T[] {
    const all: T[] = [];
    for (let place = this.#first; place !== undefined; place = place.after) all.push(place.owner);
    return all;
  }

  add(place: IdlePlace<T>): void {
    place.leave();
    place.list = this;
    place.before = this.#last;
    if (this.#last === undefined) this.#first = place;
    else this.#last.after = place;
    this.#last = place;
  }

  delete(place: IdlePlace<T>): void {
    const { before, after } = place;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    place.list = undefined;
    place.before = undefined;
    place.after = undefined;
  }
}
