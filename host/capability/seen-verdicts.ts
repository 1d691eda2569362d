/** Texts of one set of patterns; at one more, it forgets them. */
export const seenMax = 1024;
/** Texts of all sets of one thread together; at one more, all forget. */
export const threadSeenMax = 65_536;

/** Bytes of marks of a set with few texts, as nearly all have, and of one with many. */
const fewTextsMax = 16;
const fewMarksBytes = 16;
const marksBytesMax = 1024;

const keepers = new Set<SeenVerdicts>();
let threadSeen = 0;

/**
 * What was decided about texts that came more than once. A guest's texts that come again are the same strings again
 * (engine/fast-lane/known-texts.ts), and a `Map` finds the same string in a few nanoseconds without reading it; but a
 * text that it never saw costs it some hundred. So a few characters say first whether it can be one of these.
 */
export class SeenVerdicts {
  #verdicts: Map<string, boolean> | undefined;
  /** A bit for each sample that one of the texts has; none until there are any. */
  #marks: Uint8Array | undefined;

  /** The verdict about a text; undefined if it is not remembered. */
  get(text: string): boolean | undefined {
    const marks = this.#marks;
    if (marks === undefined) return undefined;
    const mark = sampleOf(text) & (marks.length * 8 - 1);
    if (((marks[mark >>> 3] as number) & (1 << (mark & 7))) === 0) return undefined;
    return this.#verdicts?.get(text);
  }

  /** Remembers a verdict about a text that `get` did not know. */
  set(text: string, isAllowed: boolean): void {
    if (threadSeen >= threadSeenMax) forgetAll();
    if (this.size >= seenMax) this.forget();
    this.#verdicts ??= new Map();
    this.#verdicts.set(text, isAllowed);
    this.#mark(text, this.#verdicts);
    keepers.add(this);
    threadSeen += 1;
  }

  #mark(text: string, verdicts: ReadonlyMap<string, boolean>): void {
    const bytes = verdicts.size > fewTextsMax ? marksBytesMax : fewMarksBytes;
    const isGrown = this.#marks?.length !== bytes;
    const marks = isGrown || this.#marks === undefined ? new Uint8Array(bytes) : this.#marks;
    this.#marks = marks;
    for (const each of isGrown ? verdicts.keys() : [text]) {
      const mark = sampleOf(each) & (bytes * 8 - 1);
      marks[mark >>> 3] = (marks[mark >>> 3] as number) | (1 << (mark & 7));
    }
  }

  /** Texts it remembers. */
  get size(): number {
    return this.#verdicts?.size ?? 0;
  }

  forget(): void {
    threadSeen -= this.size;
    this.#verdicts = undefined;
    this.#marks = undefined;
    keepers.delete(this);
  }
}

function forgetAll(): void {
  for (const keeper of [...keepers]) keeper.forget();
}

/** A number of three characters of a text and its length, whose low bits are its mark. */
function sampleOf(text: string): number {
  const { length } = text;
  // Texts that differ mostly do so near the end, where names have numbers, or in the middle.
  const ends = text.charCodeAt(length - 1) ^ (text.charCodeAt(length - 3) << 8);
  const sample = Math.imul((ends ^ (text.charCodeAt(length >> 1) << 16) ^ length) | 0, 0x9e3779b1);
  return sample ^ (sample >>> 15);
}
