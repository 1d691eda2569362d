// @ts-ignore: decorator
@external("wasi:clocks/monotonic-clock@0.2.0", "now")
declare function __now(): u64;
// @ts-ignore: decorator
@external("wasi:clocks/monotonic-clock@0.2.0", "resolution")
declare function __resolution(): u64;

/** Nanoseconds since a start nobody knows; never goes back. */
export function now(): u64 {
  return __now();
}

/** The length of one tick in nanoseconds. */
export function resolution(): u64 {
  return __resolution();
}
