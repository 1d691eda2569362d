/** Places for texts of one set of patterns. */
export const verdictsMax = 4096;
/** Places for texts of all sets of one thread together; at one more, all forget. */
export const threadVerdictsMax = 262_144;

const verdictsMin = 32;

const keepers = new Set<Verdicts>();
let threadPlaces = 0;

/**
 * What was decided about texts seen before: each has two places, and pushes out the older text there. Not a `Map`:
 * asking one for a text it never saw costs V8 some hundred nanoseconds, as it files the text for good. Bounded for
 * one set, so that an agent that makes up subjects pushes out only its own, and for the thread, so that many such
 * agents do not fill it.
 */
export class Verdicts {
  #texts: (string | undefined)[] = [];
  /** Beside each text its hash, with the verdict for the lowest bit. */
  #marks: Int32Array = new Int32Array(0);
  #taken = 0;

  /** The verdict about a text whose `hashOf` is `hash`; undefined if it is not remembered. */
  get(text: string, hash: number): boolean | undefined {
    const marks = this.#marks;
    if (marks.length === 0) return undefined;
    const first = firstPlace(hash, marks.length);
    const mark = marks[first] ?? 0;
    if ((mark ^ hash) >>> 1 === 0 && this.#texts[first] === text) return (mark & 1) === 1;
    const other = marks[first + 1] ?? 0;
    return (other ^ hash) >>> 1 === 0 && this.#texts[first + 1] === text ? (other & 1) === 1 : undefined;
  }

  /** Remembers a verdict about a text that `get` did not know. */
  set(text: string, hash: number, isAllowed: boolean): void {
    // A quarter taken: few texts then find both of their places taken by others.
    if (this.#taken * 4 >= this.#marks.length && this.#marks.length < verdictsMax) this.#grow();
    this.#put(text, (hash & ~1) | (isAllowed ? 1 : 0));
  }

  /** Places it has, used or not. */
  get places(): number {
    return this.#marks.length;
  }

  #put(text: string, mark: number): void {
    const marks = this.#marks;
    const first = firstPlace(mark, marks.length);
    if (this.#texts[first + 1] === undefined) this.#taken += 1;
    this.#texts[first + 1] = this.#texts[first];
    marks[first + 1] = marks[first] ?? 0;
    this.#texts[first] = text;
    marks[first] = mark;
  }

  #grow(): void {
    const places = Math.max(verdictsMin, this.#marks.length * 2);
    if (threadPlaces + places - this.#marks.length > threadVerdictsMax) forgetAll();
    const [texts, marks] = [this.#texts, this.#marks];
    threadPlaces += places - marks.length;
    keepers.add(this);
    this.#texts = new Array<string | undefined>(places).fill(undefined);
    this.#marks = new Int32Array(places);
    this.#taken = 0;
    texts.forEach((text, at) => {
      if (text !== undefined) this.#put(text, marks[at] ?? 0);
    });
  }

  forget(): void {
    threadPlaces -= this.#marks.length;
    this.#texts = [];
    this.#marks = new Int32Array(0);
    this.#taken = 0;
  }
}

function forgetAll(): void {
  for (const keeper of keepers) keeper.forget();
  keepers.clear();
}

/** The lowest bit is the verdict's. */
function firstPlace(hash: number, places: number): number {
  return ((hash >>> 1) & ((places >> 1) - 1)) * 2;
}

/** A hash of all of a text, which should be short. */
export function hashOf(text: string): number {
  let hash = text.length;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return hash ^ (hash >>> 13);
}
