/** Bytes up to which texts are known: names and subjects are, and what is longer seldom comes again. */
export const knownBytesMax = 64;

const slotWords = knownBytesMax / 4;
/** Places for texts of one thread and one encoding; each text has two that it may be in. */
export const knownTextsMax = 2048;

/** Makes a text of `length` bytes at `at`. @throws for bytes that are none */
export type MakeText = (view: DataView<ArrayBuffer>, at: number, length: number) => string;

/**
 * Texts that guests of a thread pass again and again, by their bytes: whom they send to, subjects, names of headers. To
 * find one costs some nanoseconds and makes no object; and as it is the same string, whoever asks for it in a table
 * does not read it again. Only what is missed twice in a row at its places is kept, so that texts that come once push
 * out nothing.
 */
export class KnownTexts {
  readonly #make: MakeText;
  #texts: string[] = [];
  #hashes: Int32Array = new Int32Array(0);
  #lengths: Uint8Array = new Uint8Array(0);
  #words: Int32Array = new Int32Array(0);
  /** What was missed last at each pair of places. */
  #missed: Int32Array = new Int32Array(0);

  constructor(make: MakeText) {
    this.#make = make;
  }

  /**
   * The text of `length` bytes at `at`, which are in bounds.
   * @param length at most `knownBytesMax`
   * @throws what making it throws
   */
  lift(view: DataView<ArrayBuffer>, at: number, length: number): string {
    const end = at + (length & ~3);
    const tail = tailOf(view, end, length & 3);
    const hash = hashOf(view, at, end, tail, length);
    const first = hash & (knownTextsMax - 2);
    if (this.#isAt(first, hash, view, at, end, tail, length)) return this.#texts[first] as string;
    if (this.#isAt(first + 1, hash, view, at, end, tail, length)) return this.#texts[first + 1] as string;
    const text = this.#make(view, at, length);
    if (this.#missed.length === 0) this.#open();
    if (this.#missed[first >> 1] === hash) this.#keep(first, hash, text, view, at, length);
    else this.#missed[first >> 1] = hash;
    return text;
  }

  #isAt(
    place: number,
    hash: number,
    view: DataView<ArrayBuffer>,
    at: number,
    end: number,
    tail: number,
    length: number,
  ): boolean {
    if (this.#hashes[place] !== hash || this.#lengths[place] !== length) return false;
    const words = this.#words;
    let word = place * slotWords;
    for (let from = at; from < end; from += 4, word += 1)
      if (view.getInt32(from, true) !== words[word]) return false;
    return (length & 3) === 0 || words[word] === tail;
  }

  /** In the first of its places; what was there goes to the second. */
  #keep(
    first: number,
    hash: number,
    text: string,
    view: DataView<ArrayBuffer>,
    at: number,
    length: number,
  ): void {
    const from = first * slotWords;
    this.#words.copyWithin(from + slotWords, from, from + slotWords);
    this.#texts[first + 1] = this.#texts[first] as string;
    this.#hashes[first + 1] = this.#hashes[first] as number;
    this.#lengths[first + 1] = this.#lengths[first] as number;
    const end = at + (length & ~3);
    let word = from;
    for (let byte = at; byte < end; byte += 4, word += 1) this.#words[word] = view.getInt32(byte, true);
    if ((length & 3) !== 0) this.#words[word] = tailOf(view, end, length & 3);
    this.#texts[first] = text;
    this.#hashes[first] = hash;
    this.#lengths[first] = length;
  }

  #open(): void {
    this.#texts = new Array<string>(knownTextsMax).fill('');
    this.#hashes = new Int32Array(knownTextsMax);
    this.#lengths = new Uint8Array(knownTextsMax);
    this.#words = new Int32Array(knownTextsMax * slotWords);
    this.#missed = new Int32Array(knownTextsMax / 2);
  }
}

/** What is left beyond the last whole word, as one. */
function tailOf(view: DataView<ArrayBuffer>, at: number, bytes: number): number {
  let tail = 0;
  for (let index = 0; index < bytes; index += 1) tail = (tail << 8) | view.getUint8(at + index);
  return tail;
}

function hashOf(view: DataView<ArrayBuffer>, at: number, end: number, tail: number, length: number): number {
  let hash = Math.imul(length ^ tail, 0x9e3779b1);
  for (let from = at; from < end; from += 4) {
    hash = Math.imul(hash ^ view.getInt32(from, true), 0x85ebca6b);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash, 0x9e3779b1);
  return hash ^ (hash >>> 13);
}
