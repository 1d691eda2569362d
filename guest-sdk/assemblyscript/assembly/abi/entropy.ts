import { getRandomU64 } from "wasi:random/random";

/** Seeds `Math.random`. */
export function seed(): f64 {
  return reinterpret<f64>(getRandomU64());
}
