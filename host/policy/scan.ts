/** One policy's place in its file: the comments before it are its own. */
export interface Piece {
  readonly start: number;
  readonly text: string;
  /** Its file says the same in other words: what is wrong with it is told where it begins. */
  readonly isWhole?: boolean;
  /** Its name, if it has none of its own. */
  readonly id?: string;
}

/** A text that Cedar is not given, and where it goes too far. */
export interface ScanFault {
  readonly offset: number;
  readonly message: string;
}

/** Characters of one policy, comments included. */
export const policyCharsMax = 16_384;
/** Brackets within brackets: Cedar's parser recurses, on a stack of 1 MiB. */
export const nestingMax = 64;
/** Words `if` in one policy: each is a level more, without a bracket. */
const branchesMax = 64;

/**
 * Cuts a file into its policies at the semicolons, so that each is parsed, bounded and blamed by itself. Every
 * character is in some piece: were one cut in the wrong place, Cedar would refuse it.
 */
export function scan(text: string): {
  readonly pieces: readonly Piece[];
  readonly fault: ScanFault | undefined;
} {
  const scanner = new Scanner(text);
  return { pieces: scanner.pieces, fault: scanner.run() };
}

const tokens = /"(?:[^"\\]|\\[\s\S])*"?|\/\/[^\n]*|[()[\]{};]|\bif\b/g;

class Scanner {
  readonly pieces: Piece[] = [];
  readonly #text: string;
  #start = 0;
  #nesting = 0;
  #branches = 0;

  constructor(text: string) {
    this.#text = text;
  }

  run(): ScanFault | undefined {
    for (const { 0: token, index } of this.#text.matchAll(tokens)) {
      const fault = this.#take(token, index);
      if (fault !== undefined) return { offset: index, message: fault };
      if (token === ';' && this.#nesting === 0) this.#cut(index + 1);
    }
    const rest = this.#text.slice(this.#start);
    if (rest.length > policyCharsMax) return { offset: this.#start, message: tooLong };
    if (rest.replace(/\/\/[^\n]*/g, '').trim() !== '') this.#cut(this.#text.length);
    return undefined;
  }

  #take(token: string, index: number): string | undefined {
    if (index - this.#start > policyCharsMax) return tooLong;
    if (token === 'if') this.#branches += 1;
    else if ('([{'.includes(token)) this.#nesting += 1;
    else if (')]}'.includes(token)) this.#nesting = Math.max(0, this.#nesting - 1);
    if (this.#nesting > nestingMax) return `more than ${nestingMax} brackets within each other`;
    return this.#branches > branchesMax ? `more than ${branchesMax} times 'if' in one policy` : undefined;
  }

  #cut(end: number): void {
    this.pieces.push({ start: this.#start, text: this.#text.slice(this.#start, end) });
    this.#start = end;
    this.#nesting = 0;
    this.#branches = 0;
  }
}

const tooLong = `a policy of more than ${policyCharsMax} characters`;
