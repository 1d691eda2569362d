/** WIT's `result`: a value or an error. There is no `catch` in AssemblyScript: a `throw` ends the instance. */
export class Result<T, E> {
  /** Makes a success: `Result.ok<string, Failure>("done")`. */
  static ok<T, E>(value: T): Result<T, E> {
    return new Result<T, E>(true, value, nothing<E>());
  }

  /** Makes a failure: `Result.err<string, Failure>(Failure.invalid("not a number"))`. */
  static err<T, E>(error: E): Result<T, E> {
    return new Result<T, E>(false, nothing<T>(), error);
  }

  constructor(public readonly isOk: bool, private okValue: T, private errValue: E) {}

  get isErr(): bool {
    return !this.isOk;
  }

  /** The value; asking a failure for it ends the instance. */
  get value(): T {
    if (!this.isOk) throw new Error("the result is an error");
    return this.okValue;
  }

  /** The error; asking a success for it ends the instance. */
  get error(): E {
    if (this.isOk) throw new Error("the result is no error");
    return this.errValue;
  }

  /** @internal For the glue, which has looked at `isOk`. */
  unwrap(): T {
    return this.okValue;
  }

  /** @internal For the glue, which has looked at `isOk`. */
  unwrapError(): E {
    return this.errValue;
  }

  /** The value, or the other one for a failure. */
  or(other: T): T {
    return this.isOk ? this.okValue : other;
  }
}

/** The value of a `result` that has none; always true. */
export type Unit = bool;

/** A success without a value: `return done<Failure>();` */
export function done<E>(): Result<Unit, E> {
  return Result.ok<Unit, E>(true);
}

/** A value that may be missing where there is no `null` for it: WIT's `option<u64>` is `Box<u64> | null`. */
export class Box<T> {
  constructor(public value: T) {}
}

// @ts-ignore: decorator
@inline
function nothing<T>(): T {
  if (isReference<T>()) return changetype<T>(0);
  return <T>0;
}
