import { liftBytes, results } from "../abi/memory";

// @ts-ignore: decorator
@external("wasi:random/random@0.2.0", "get-random-bytes")
declare function __getRandomBytes(length: u64, result: usize): void;
// @ts-ignore: decorator
@external("wasi:random/random@0.2.0", "get-random-u64")
declare function __getRandomU64(): u64;

/** Fresh random bytes, good enough for secrets. */
export function getRandomBytes(length: u64): Uint8Array {
  __getRandomBytes(length, results);
  return liftBytes(results);
}

/** A fresh random number, equally likely to be any. */
export function getRandomU64(): u64 {
  return __getRandomU64();
}
