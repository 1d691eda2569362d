import { results } from "../abi/memory";

// @ts-ignore: decorator
@external("wasi:clocks/wall-clock@0.2.0", "now")
declare function __now(result: usize): void;
// @ts-ignore: decorator
@external("wasi:clocks/wall-clock@0.2.0", "resolution")
declare function __resolution(result: usize): void;

/** Time since 1970-01-01T00:00:00Z. */
export class Datetime {
  constructor(public seconds: u64, public nanoseconds: u32) {}
}

export function now(): Datetime {
  __now(results);
  return new Datetime(load<u64>(results), load<u32>(results, 8));
}

/** The length of one tick. */
export function resolution(): Datetime {
  __resolution(results);
  return new Datetime(load<u64>(results), load<u32>(results, 8));
}
