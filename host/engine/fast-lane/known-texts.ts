/** Bytes up to which texts are known: names and subjects are, and what is longer seldom comes again. */
export const knownBytesMax = 64;

const slotWords = knownBytesMax / 4;
/** Texts of one thread and one encoding: some 30 KiB. */
const slotsMax = 256;

/**
 * Texts that guests of a thread pass again and again, by their bytes: whom they send to, names of headers. To find one
 * costs a few nanoseconds and makes no object; and as it is the same string, whoever asks for it in a table does not
 * hash it again. Only what misses twice in a row at its place is kept, so that texts that come once push out nothing.
 */
export class KnownTexts {
  readonly #texts: string[] = new Array<string>(slotsMax).fill('');
  readonly #hashes: Int32Array = new Int32Array(slotsMax);
  /** What missed last at each place. */
  readonly #missed: Int32Array = new Int32Array(slotsMax);
  readonly #bytes: Uint8Array = new Uint8Array(slotsMax);
  readonly #words: Int32Array = new Int32Array(slotsMax * slotWords);

  /**
   * The text of `length` bytes at `at`, or what `lift` makes of them.
   * @param length above 0, at most `knownBytesMax`
   * @throws what `lift` throws for bytes that are no text; they are not kept
   */
  lift(
    view: DataView<ArrayBuffer>,
    at: number,
    length: number,
    lift: (view: DataView<ArrayBuffer>, at: number, length: number) => string,
  ): string {
    const end = at + (length & ~3);
    const tail = tailOf(view, end, length & 3);
    const hash = hashOf(view, at, end, tail, length);
    const slot = hash & (slotsMax - 1);
    if (this.#hashes[slot] === hash && this.#bytes[slot] === length && this.#isAt(slot, view, at, end, tail))
      return this.#texts[slot] as string;
    const text = lift(view, at, length);
    if (this.#missed[slot] === hash) this.#keep(slot, hash, text, view, at, end, tail, length);
    else this.#missed[slot] = hash;
    return text;
  }

  #isAt(slot: number, view: DataView<ArrayBuffer>, at: number, end: number, tail: number): boolean {
    const words = this.#words;
    let word = slot * slotWords;
    for (let from = at; from < end; from += 4, word += 1)
      if (view.getInt32(from, true) !== words[word]) return false;
    return end === at + knownBytesMax || words[word] === tail;
  }

  #keep(
    slot: number,
    hash: number,
    text: string,
    view: DataView<ArrayBuffer>,
    at: number,
    end: number,
    tail: number,
    length: number,
  ): void {
    let word = slot * slotWords;
    for (let from = at; from < end; from += 4, word += 1) this.#words[word] = view.getInt32(from, true);
    if (length < knownBytesMax) this.#words[word] = tail;
    this.#texts[slot] = text;
    this.#hashes[slot] = hash;
    this.#bytes[slot] = length;
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
