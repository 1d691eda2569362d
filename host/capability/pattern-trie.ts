import { tokenEnd } from '../subject.ts';

/** One token's place in the tree; what hangs on it is made when first needed. */
class Branch {
  literals: Map<string, Branch> | undefined;
  star: Branch | undefined;
  /** A pattern ends here. */
  isEnd = false;
  /** A pattern goes on with `>` here. */
  isOpen = false;
}

/** Valid patterns as a tree of their tokens: what one covers is found in the steps of its own tokens. */
export class PatternTrie {
  readonly #root: Branch = new Branch();

  constructor(patterns: Iterable<string>) {
    for (const pattern of patterns) this.#add(pattern);
  }

  #add(pattern: string): void {
    let branch = this.#root;
    for (const token of pattern.split('.')) {
      if (token === '>') {
        branch.isOpen = true;
        return;
      }
      branch = token === '*' ? starOf(branch) : literalOf(branch, token);
    }
    branch.isEnd = true;
  }

  /**
   * Whether one of the patterns holds everything that `text`, a valid subject or pattern, stands for. What only
   * several of them hold together is not covered. `isFirstNamed`: no wildcard may stand for the first token.
   */
  covers(text: string, isFirstNamed = false): boolean {
    if (!isFirstNamed) return coversFrom(this.#root, text, 0);
    const end = tokenEnd(text, 0);
    const branch = this.#root.literals?.get(text.slice(0, end));
    return branch !== undefined && coversAfter(branch, text, end);
  }
}

function starOf(branch: Branch): Branch {
  branch.star ??= new Branch();
  return branch.star;
}

function literalOf(branch: Branch, token: string): Branch {
  branch.literals ??= new Map();
  const known = branch.literals.get(token);
  if (known !== undefined) return known;
  const made = new Branch();
  branch.literals.set(token, made);
  return made;
}

/** As deep as a subject has tokens, which is at most half its bytes. */
function coversFrom(branch: Branch, text: string, from: number): boolean {
  if (branch.isOpen) return true;
  const end = tokenEnd(text, from);
  // A pattern's `>` may be many tokens, so only another `>` holds it; its `*` is no literal, so only a `*` does.
  if (end - from === 1 && text.charCodeAt(from) === greater) return false;
  const literal = branch.literals?.get(text.slice(from, end));
  if (literal !== undefined && coversAfter(literal, text, end)) return true;
  return branch.star !== undefined && coversAfter(branch.star, text, end);
}

function coversAfter(branch: Branch, text: string, end: number): boolean {
  return end === text.length ? branch.isEnd : coversFrom(branch, text, end + 1);
}

const greater = 0x3e;
