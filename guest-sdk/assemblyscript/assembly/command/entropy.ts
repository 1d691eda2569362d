import { random_get, results } from "./preview1";

/** Seeds `Math.random`. */
export function seed(): f64 {
  random_get(results, 8);
  return load<f64>(results);
}
