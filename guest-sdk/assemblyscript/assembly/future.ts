// Values that come later. AssemblyScript has no closures: what a callback needs beside the value is its context,
// which is handed to it.

/** What the host can tell the end of. */
export class Pending {
  /** @internal */
  __ended(state: i32): void {}
}

/** @internal What happens once a value is there. */
export class Step<T> {
  run(value: T): void {}
}

class Callback<T, C> extends Step<T> {
  constructor(private context: C, private next: (value: T, context: C) => void) {
    super();
  }

  run(value: T): void {
    const next = this.next;
    next(value, this.context);
  }
}

class Mapping<T, C, U> extends Step<T> {
  constructor(private to: Future<U>, private context: C, private next: (value: T, context: C) => U) {
    super();
  }

  run(value: T): void {
    const next = this.next;
    this.to.resolve(next(value, this.context));
  }
}

class Chaining<T, C, U> extends Step<T> {
  constructor(private to: Future<U>, private context: C, private next: (value: T, context: C) => Future<U>) {
    super();
  }

  run(value: T): void {
    const next = this.next;
    next(value, this.context).__pass(new Passing<U>(this.to));
  }
}

class Passing<T> extends Step<T> {
  constructor(private to: Future<T>) {
    super();
  }

  run(value: T): void {
    this.to.resolve(value);
  }
}

class Gathering<T> extends Step<T> {
  readonly whole: Future<T[]> = new Future<T[]>();

  constructor(private parts: Future<T>[], private left: i32) {
    super();
  }

  run(value: T): void {
    if (--this.left > 0) return;
    const values = new Array<T>();
    for (let i = 0; i < this.parts.length; i++) values.push(this.parts[i].value);
    this.whole.resolve(values);
  }
}

/** A value that is there now or comes later: of a call of the host, or one you `resolve` yourself. */
export class Future<T> extends Pending {
  private done: bool = false;
  private held: StaticArray<T> = new StaticArray<T>(0);
  private steps: Step<T>[] = [];

  /** One whose value is there. */
  static of<T>(value: T): Future<T> {
    const future = new Future<T>();
    future.resolve(value);
    return future;
  }

  /** Whether the value is there. */
  get isDone(): bool {
    return this.done;
  }

  /** The value; asking for it before it is there ends the instance. */
  get value(): T {
    if (!this.done) throw new Error("the future has no value yet");
    return this.held[0];
  }

  /** Gives it its value, once; what waits for it runs at once, in the order it was asked for. */
  resolve(value: T): void {
    if (this.done) throw new Error("the future has its value already");
    this.done = true;
    this.held = StaticArray.fromArray<T>([value]);
    const steps = this.steps;
    this.steps = [];
    for (let i = 0; i < steps.length; i++) steps[i].run(value);
  }

  /** Calls `next` with the value, once it is there, and with what it is to know besides. */
  then<C>(context: C, next: (value: T, context: C) => void): void {
    this.__pass(new Callback<T, C>(context, next));
  }

  /** What `next` makes of the value and what it is to know besides. */
  map<C, U>(context: C, next: (value: T, context: C) => U): Future<U> {
    const to = new Future<U>();
    this.__pass(new Mapping<T, C, U>(to, context, next));
    return to;
  }

  /** As `map`, with a `next` that takes its own time. */
  chain<C, U>(context: C, next: (value: T, context: C) => Future<U>): Future<U> {
    const to = new Future<U>();
    this.__pass(new Chaining<T, C, U>(to, context, next));
    return to;
  }

  /** Gives up a call of the host; true if that was under way. Its value never comes. */
  cancel(): bool {
    return false;
  }

  /** @internal */
  __pass(step: Step<T>): void {
    if (this.done) step.run(this.held[0]);
    else this.steps.push(step);
  }
}

/** All values, in the order of the futures, once the last of them is there. */
export function all<T>(futures: Future<T>[]): Future<T[]> {
  if (futures.length == 0) return Future.of<T[]>([]);
  const gathering = new Gathering<T>(futures, futures.length);
  for (let i = 0; i < futures.length; i++) futures[i].__pass(gathering);
  return gathering.whole;
}
