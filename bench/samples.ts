/** The value below which `share` of the samples lie (nearest rank). */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? upper) + upper) / 2;
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** A thing to measure beside others. */
export interface Contender {
  readonly name: string;
  run(): unknown;
}

/**
 * Runs all contenders once per round, each round beginning with the next one, so that drift of the machine
 * and warm caches fall on all alike.
 * @returns milliseconds of every round, by contender name
 */
export async function alternate(
  contenders: readonly Contender[],
  rounds: number,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const samples = new Map<string, number[]>(contenders.map((contender) => [contender.name, []]));
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const contender = contenders[(round + turn) % contenders.length];
      if (contender === undefined) continue;
      const fromMs = performance.now();
      const pending = contender.run();
      // An `await` of a plain value would add a turn of the microtask queue to what is measured.
      if (pending instanceof Promise) await pending;
      samples.get(contender.name)?.push(performance.now() - fromMs);
    }
  }
  return samples;
}
