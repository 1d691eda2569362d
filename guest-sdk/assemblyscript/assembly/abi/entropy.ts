import { getRandomU64 } from "../bindings/random";

/** Seeds `Math.random`. */
export function seed(): f64 {
  return reinterpret<f64>(getRandomU64());
}
