/** Entries of a journal as runs, since most follow each other: a first one and how many there are, one pair after the other. */
export class Runs {
  readonly pairs: number[] = [];

  get isEmpty(): boolean {
    return this.pairs.length === 0;
  }

  /** How many runs there are. */
  get size(): number {
    return this.pairs.length / 2;
  }

  add(first: number, count: number = 1): void {
    const { pairs } = this;
    const last = pairs.length - 2;
    if (last >= 0 && (pairs[last] as number) + (pairs[last + 1] as number) === first)
      pairs[last + 1] = (pairs[last + 1] as number) + count;
    else pairs.push(first, count);
  }

  addAll({ pairs }: Runs): void {
    for (let at = 0; at < pairs.length; at += 2) this.add(pairs[at] as number, pairs[at + 1]);
  }
}
