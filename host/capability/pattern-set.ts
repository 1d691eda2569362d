import { HostError } from '../errors.ts';
import { hasWildcard, patternFault, reservedToken, subjectBytesMax, subjectFault } from '../subject.ts';
import { Interned } from './interned.ts';
import { PatternTrie } from './pattern-trie.ts';
import { SeenVerdicts } from './seen-verdicts.ts';
import { hashOf, Verdicts } from './verdicts.ts';

/** What a set of patterns is asked about: subjects to send or publish to, or patterns to subscribe to. */
export type Purpose = 'send' | 'publish' | 'subscribe';

/**
 * Granted patterns of one purpose. Equal sets are one object, with one tree and one memory of verdicts, however many
 * agents have them; sets of different purposes never are, as the same text is a subject to one and a pattern to another.
 */
export class PatternSet {
  readonly purpose: Purpose;
  readonly patterns: readonly string[];
  /** Patterns without wildcards answer for themselves. */
  readonly #exact: ReadonlySet<string>;
  readonly #trie: PatternTrie | undefined;
  readonly #seen: SeenVerdicts = new SeenVerdicts();
  readonly #verdicts: Verdicts = new Verdicts();
  #lastText: string | undefined;
  #lastVerdict = false;

  private constructor(purpose: Purpose, patterns: readonly string[]) {
    this.purpose = purpose;
    this.patterns = patterns;
    this.#exact = new Set(
      patterns.filter((pattern) => !hasWildcard(pattern) && mayBeNamed(purpose, pattern)),
    );
    const wild = patterns.filter(hasWildcard);
    this.#trie = wild.length === 0 ? undefined : new PatternTrie(wild);
  }

  /** @throws HostError `HOST_ERR_GRANT_INVALID` */
  static of(purpose: Purpose, patterns: readonly string[]): PatternSet {
    const sorted = [...new Set(patterns)].sort();
    for (const pattern of sorted) {
      const fault = patternFault(pattern);
      if (fault !== undefined)
        throw new HostError(
          'HOST_ERR_GRANT_INVALID',
          `bus.${purpose}: '${pattern}' is no pattern: ${fault}`,
          {
            pattern,
          },
        );
    }
    // Patterns hold no spaces, so the key is unmistakable.
    return known.get(`${purpose} ${sorted.join(' ')}`, () => new PatternSet(purpose, sorted));
  }

  /** Whether one pattern of the set covers a text, which may be anything a guest made up. */
  covers(text: string): boolean {
    if (text.length > subjectBytesMax) return false;
    if (this.#trie === undefined) return this.#exact.has(text);
    // Most agents ask the same again and again.
    if (text === this.#lastText) return this.#lastVerdict;
    const verdict = this.#seen.get(text) ?? this.#verdictOf(this.#trie, text);
    this.#lastText = text;
    this.#lastVerdict = verdict;
    return verdict;
  }

  #verdictOf(trie: PatternTrie, text: string): boolean {
    const hash = hashOf(text);
    const verdict = this.#verdicts.get(text, hash);
    if (verdict === undefined) return this.#decide(trie, text, hash);
    this.#seen.set(text, verdict);
    return verdict;
  }

  /** Whether something of what a valid pattern stands for is in the set. */
  overlaps(pattern: string, meet: (one: string, other: string) => string | undefined): boolean {
    return this.patterns.some((own) => meet(own, pattern) !== undefined);
  }

  #decide(trie: PatternTrie, text: string, hash: number): boolean {
    // What no pattern covers need not be a subject to be denied.
    const isCovered =
      (this.#exact.size > 0 && this.#exact.has(text)) || trie.covers(text, reservedToken(text) === 'host');
    const verdict = isCovered && mayBeNamed(this.purpose, text) && this.#isValid(text);
    this.#verdicts.set(text, hash, verdict);
    return verdict;
  }

  #isValid(text: string): boolean {
    return (this.purpose === 'subscribe' ? patternFault(text) : subjectFault(text)) === undefined;
  }
}

const known = new Interned<PatternSet>();

/**
 * What no grant can give: publishing to reserved subjects, sending to the host's events or to places for replies,
 * subscribing to mailboxes and replies. The host's events are given only by a pattern that says `host`.
 */
function mayBeNamed(purpose: Purpose, text: string): boolean {
  const reserved = reservedToken(text);
  if (reserved === undefined) return true;
  if (purpose === 'send') return reserved === 'agent';
  return purpose === 'subscribe' && reserved === 'host';
}
