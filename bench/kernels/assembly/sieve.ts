// Primes below 65,536 by Eratosthenes over a managed byte array, n times.
const LIMIT = 65536;

export function run(n: i32): i32 {
  const composite = new Uint8Array(LIMIT);
  let count = 0;
  for (let round = 0; round < n; round++) {
    composite.fill(0);
    for (let i = 2; i < LIMIT; i++) {
      if (composite[i]) continue;
      count++;
      for (let j = i * 2; j < LIMIT; j += i) composite[j] = 1;
    }
  }
  return count;
}
