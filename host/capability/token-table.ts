const dot = 0x2e;
/** Numbers of one slot, half a line of the processor's cache: node, hash of the token, node it leads to, a pattern that has the token, and where. */
const slotInts = 8;
const slotsMin = 16;

/** Leads to no node. */
export const nowhere = 0;
/** Leads to no node but to the rest of one pattern. */
export const alone = -1;

/**
 * Where a token leads from a node: a hash table in one array of numbers. The token's text is not kept but compared
 * with a pattern that has it, so that asking makes no string.
 */
export class TokenTable {
  readonly #patterns: readonly string[];
  #slots: Int32Array = new Int32Array(slotsMin * slotInts);
  #mask = slotsMin - 1;
  #count = 0;

  constructor(patterns: readonly string[]) {
    this.#patterns = patterns;
  }

  /** The token that begins at `at` in a pattern leads from `node` to `next`. Each once. */
  set(node: number, next: number, pattern: number, at: number): void {
    this.#count += 1;
    // Half of it stays empty, so that looking for what is not there ends soon.
    if (this.#count * 2 > this.#mask) this.#double();
    const text = this.#patterns[pattern] ?? '';
    const end = text.indexOf('.', at);
    this.#put(node, hashOf(node, text, at, end === -1 ? text.length : end), next, pattern, at);
  }

  /** The slot of the token of `text` from `from` to `end` at a node; `nowhere` if it leads nowhere. */
  find(node: number, text: string, from: number, end: number): number {
    const slots = this.#slots;
    const hash = hashOf(node, text, from, end);
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = slot * slotInts;
      if (slots[at + 2] === nowhere) return nowhere;
      if (slots[at] !== node || slots[at + 1] !== hash) continue;
      if (isToken(this.#patterns[slots[at + 3] ?? 0] ?? '', slots[at + 4] ?? 0, text, from, end))
        return at + 1;
    }
  }

  nextOf(slot: number): number {
    return this.#slots[slot + 1] ?? nowhere;
  }

  /** A pattern that has the slot's token, the only one where it leads to `alone`. */
  patternOf(slot: number): string {
    return this.#patterns[this.#slots[slot + 2] ?? 0] ?? '';
  }

  /** Where in that pattern the token begins. */
  placeOf(slot: number): number {
    return this.#slots[slot + 3] ?? 0;
  }

  #put(node: number, hash: number, next: number, pattern: number, at: number): void {
    let slot = hash & this.#mask;
    while (this.#slots[slot * slotInts + 2] !== 0) slot = (slot + 1) & this.#mask;
    this.#slots.set([node, hash, next, pattern, at], slot * slotInts);
  }

  #double(): void {
    const before = this.#slots;
    this.#slots = new Int32Array(before.length * 2);
    this.#mask = this.#mask * 2 + 1;
    for (let at = 0; at < before.length; at += slotInts) {
      const [node = 0, hash = 0, next = 0, pattern = 0, from = 0] = before.subarray(at, at + slotInts);
      if (next !== 0) this.#put(node, hash, next, pattern, from);
    }
  }
}

/** A token's own hash, mixed with the node it is asked of. */
function hashOf(node: number, text: string, from: number, end: number): number {
  let hash = Math.imul(node, 0x9e3779b1);
  for (let at = from; at < end; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return hash ^ (hash >>> 13);
}

/** Whether the token of a pattern at `at` is the one of `text` from `from` to `end`. */
function isToken(pattern: string, at: number, text: string, from: number, end: number): boolean {
  const length = end - from;
  for (let step = 0; step < length; step += 1)
    if (pattern.charCodeAt(at + step) !== text.charCodeAt(from + step)) return false;
  return at + length === pattern.length || pattern.charCodeAt(at + length) === dot;
}
