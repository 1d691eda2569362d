const distanceMax = 3;

/** ", did you mean 'x'?" for the word of `known` closest to `word` (Levenshtein distance at most 3), else nothing. */
export function nearest(word: string, known: readonly string[]): string {
  const ranked = known
    // Words of very different length are further apart than anybody mistypes, and may be megabytes.
    .filter((name) => Math.abs(name.length - word.length) <= distanceMax)
    .map((name) => ({ name, distance: distanceOf(word, name) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= Math.min(distanceMax, Math.ceil(word.length / 2))
    ? `, did you mean '${best.name}'?`
    : '';
}

function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
