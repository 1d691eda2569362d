const pageBits = 10;
const pageEntries = 2 ** pageBits;

interface Page {
  readonly key: number;
  /** By entry: the thread and one more; 0: none. */
  readonly threads: Uint16Array;
  used: number;
}

/** At which other thread each message of this thread's journal is. Two bytes a message: it is kept until it is dealt with, and copied by no collection. */
export class Whereabouts {
  readonly #pages = new Map<number, Page>();
  #latest: Page | undefined;

  /** An entry is a safe integer above 0. */
  set(entry: number, thread: number): void {
    const page = this.#pageOf(entry) ?? this.#open(Math.floor(entry / pageEntries));
    const at = entry % pageEntries;
    if (page.threads[at] === 0) page.used += 1;
    page.threads[at] = thread + 1;
  }

  /** The thread an entry is at; -1: at none that is known. */
  of(entry: number): number {
    return (this.#pageOf(entry)?.threads[entry % pageEntries] ?? 0) - 1;
  }

  delete(entry: number): void {
    const page = this.#pageOf(entry);
    const at = entry % pageEntries;
    if (page === undefined || page.threads[at] === 0) return;
    page.threads[at] = 0;
    page.used -= 1;
    if (page.used === 0 && page !== this.#latest) this.#pages.delete(page.key);
  }

  /** Forgets what is at a thread. @returns it, in ascending order */
  takeAll(thread: number): number[] {
    const taken: number[] = [];
    for (const { key, threads } of this.#pages.values())
      for (let at = 0; at < pageEntries; at++)
        if (threads[at] === thread + 1) taken.push(key * pageEntries + at);
    for (const entry of taken) this.delete(entry);
    return taken.sort((a, b) => a - b);
  }

  #pageOf(entry: number): Page | undefined {
    const key = Math.floor(entry / pageEntries);
    const latest = this.#latest;
    return latest?.key === key ? latest : this.#pages.get(key);
  }

  #open(key: number): Page {
    const before = this.#latest;
    if (before?.used === 0) this.#pages.delete(before.key);
    const page = { key, threads: new Uint16Array(pageEntries), used: 0 };
    this.#pages.set(key, page);
    this.#latest = page;
    return page;
  }
}
