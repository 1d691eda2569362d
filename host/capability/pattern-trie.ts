import { tokenEnd } from '../subject.ts';
import { alone, nowhere, TokenTable } from './token-table.ts';

const star = 0x2a;
const greater = 0x3e;

/** What hangs on a node: a pattern ends here; a pattern goes on with `>`. */
const endBit = 1;
const openBit = 2;

/** Where the rest of a pattern begins that is still to be placed. */
interface Rest {
  readonly index: number;
  readonly at: number;
}

/**
 * Valid patterns as a tree of their tokens, in a few flat arrays: what one covers is found in the steps of its own
 * tokens, without making a string or an object. Where only one pattern goes on, there is no node but `alone`, and
 * its rest is compared as it stands: with thousands of patterns, what costs is every look somewhere else in memory.
 */
export class PatternTrie {
  readonly #patterns: readonly string[];
  readonly #literals: TokenTable;
  readonly #bits: number[] = [0];
  /** By node: where its token `*` leads; `alone`: to the rest of the pattern in `#starRests`. */
  readonly #stars: number[] = [nowhere];
  readonly #starRests: (Rest | undefined)[] = [undefined];
  readonly #root: number;

  constructor(patterns: readonly string[]) {
    this.#patterns = patterns;
    this.#literals = new TokenTable(patterns);
    this.#root = this.#grow(patterns.map((_, index) => ({ index, at: 0 })));
  }

  /** Makes the node under which all these rests lie. */
  #grow(rests: readonly Rest[]): number {
    const node = this.#bits.length;
    this.#bits.push(rests.some((rest) => this.#isEnded(rest)) ? endBit : 0);
    this.#stars.push(nowhere);
    this.#starRests.push(undefined);
    for (const [token, under] of this.#byToken(rests)) this.#branch(node, token, under);
    return node;
  }

  #branch(node: number, token: string, rests: readonly Rest[]): void {
    if (token === '>') {
      this.#bits[node] = (this.#bits[node] ?? 0) | openBit;
      return;
    }
    const under = rests.map(({ index, at }) => ({ index, at: at + token.length + 1 }));
    const [only, second] = under;
    const isAlone = only !== undefined && second === undefined && !this.#isEnded(only);
    const next = isAlone ? alone : this.#grow(under);
    if (token === '*') {
      this.#stars[node] = next;
      this.#starRests[node] = only;
    } else this.#literals.set(node, next, rests[0]?.index ?? 0, rests[0]?.at ?? 0);
  }

  #byToken(rests: readonly Rest[]): ReadonlyMap<string, readonly Rest[]> {
    return Map.groupBy(
      rests.filter((rest) => !this.#isEnded(rest)),
      ({ index, at }) => {
        const pattern = this.#patterns[index] ?? '';
        return pattern.slice(at, tokenEnd(pattern, at));
      },
    );
  }

  #isEnded({ index, at }: Rest): boolean {
    return at > (this.#patterns[index] ?? '').length;
  }

  /**
   * Whether one of the patterns holds everything that `text`, a valid subject or pattern, stands for. What only
   * several of them hold together is not covered. `isFirstNamed`: no wildcard may stand for the first token.
   */
  covers(text: string, isFirstNamed = false): boolean {
    return this.#covers(this.#root, text, 0, isFirstNamed);
  }

  /** As deep as a subject has tokens, which is at most half its bytes. */
  #covers(node: number, text: string, from: number, isNamed: boolean): boolean {
    if (!isNamed && ((this.#bits[node] ?? 0) & openBit) !== 0) return true;
    const end = tokenEnd(text, from);
    // A pattern's `>` may be many tokens, so only another `>` holds it; its `*` is no literal, so only a `*` does.
    if (isToken(text, from, end, greater)) return false;
    const slot = this.#literals.find(node, text, from, end);
    if (slot !== nowhere && this.#literalCovers(slot, text, from, end)) return true;
    return !isNamed && this.#starCovers(node, text, end);
  }

  #literalCovers(slot: number, text: string, from: number, end: number): boolean {
    const next = this.#literals.nextOf(slot);
    if (next !== alone) return this.#coversAfter(next, text, end);
    const rest = this.#literals.placeOf(slot) + end - from + 1;
    return end < text.length && holds(this.#literals.patternOf(slot), rest, text, end + 1);
  }

  #starCovers(node: number, text: string, end: number): boolean {
    const next = this.#stars[node] ?? nowhere;
    if (next === nowhere) return false;
    if (next !== alone) return this.#coversAfter(next, text, end);
    const rest = this.#starRests[node];
    return (
      rest !== undefined &&
      end < text.length &&
      holds(this.#patterns[rest.index] ?? '', rest.at, text, end + 1)
    );
  }

  #coversAfter(node: number, text: string, end: number): boolean {
    return end < text.length
      ? this.#covers(node, text, end + 1, false)
      : ((this.#bits[node] ?? 0) & endBit) !== 0;
  }
}

/** Whether the rest of a pattern holds the rest of a text, as `isWithin` does of the whole. */
function holds(pattern: string, patternFrom: number, text: string, textFrom: number): boolean {
  let at = patternFrom;
  let from = textFrom;
  for (;;) {
    const patternEnd = tokenEnd(pattern, at);
    if (isToken(pattern, at, patternEnd, greater)) return true;
    const end = tokenEnd(text, from);
    if (isToken(text, from, end, greater)) return false;
    const isHeld =
      isToken(pattern, at, patternEnd, star) ||
      (patternEnd - at === end - from && isSame(pattern, at, text, from, end));
    if (!isHeld) return false;
    if (end === text.length || patternEnd === pattern.length)
      return end === text.length && patternEnd === pattern.length;
    at = patternEnd + 1;
    from = end + 1;
  }
}

function isToken(text: string, from: number, end: number, char: number): boolean {
  return end - from === 1 && text.charCodeAt(from) === char;
}

function isSame(pattern: string, at: number, text: string, from: number, end: number): boolean {
  for (let step = 0; step < end - from; step += 1)
    if (pattern.charCodeAt(at + step) !== text.charCodeAt(from + step)) return false;
  return true;
}
