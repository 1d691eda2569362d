/** Bytes of a subject or pattern in UTF-8 (wit/bus.wit). */
export const subjectBytesMax = 256;

/**
 * First tokens with a meaning of their own: `agent.NAME` is an agent's mailbox, `host.…` are the host's events,
 * `_inbox.…` are places for replies.
 */
export const reservedTokens = ['agent', 'host', '_inbox'] as const;
export type ReservedToken = (typeof reservedTokens)[number];

const dot = 0x2e;
const star = 0x2a;
const greater = 0x3e;
const firstPrintable = 0x21;
const lastAscii = 0x7e;
/** Separators, controls, invisible format characters, halves of pairs: what nobody could see or type. */
const unprintable = /[\p{Z}\p{C}]/u;

/**
 * Why a text is no subject, for a person; undefined for one that is. A subject is non-empty tokens of printable
 * characters with dots between them; tokens are compared character by character, case included.
 */
export function subjectFault(text: string): string | undefined {
  return faultOf(text, false);
}

/** Why a text is no pattern. A token of a pattern may be `*` (any one token); the last may be `>` (one or more). */
export function patternFault(text: string): string | undefined {
  return faultOf(text, true);
}

export function isSubject(text: string): boolean {
  return faultOf(text, false) === undefined;
}

export function isPattern(text: string): boolean {
  return faultOf(text, true) === undefined;
}

/** Why a text is no name of a queue group: one token. */
export function groupFault(text: string): string | undefined {
  return text.includes('.') ? 'a group is one token, without dots' : faultOf(text, false);
}

/** Whether a pattern has a `*` or `>` and so stands for many subjects. */
export function hasWildcard(pattern: string): boolean {
  return pattern.includes('*') || pattern.includes('>');
}

/** The reserved first token of a subject or pattern, if it has one. `*` and `>` in its place are none. */
export function reservedToken(text: string): ReservedToken | undefined {
  for (const token of reservedTokens)
    if (text.startsWith(token) && (text.length === token.length || text.charCodeAt(token.length) === dot))
      return token;
  return undefined;
}

/** The subject of an agent's own mailbox. */
export function agentSubject(name: string): string {
  return `agent.${name}`;
}

/** Whether a subject is one of a pattern's. Both have to be valid. */
export function matches(pattern: string, subject: string): boolean {
  return isWithin(subject, pattern);
}

/**
 * Whether every subject of `inner` is one of `outer`. Both have to be valid patterns; a subject is the pattern of
 * itself alone.
 */
export function isWithin(inner: string, outer: string): boolean {
  let innerAt = 0;
  let outerAt = 0;
  for (;;) {
    const innerEnd = tokenEnd(inner, innerAt);
    const outerEnd = tokenEnd(outer, outerAt);
    if (isToken(outer, outerAt, outerEnd, greater)) return true;
    if (isToken(inner, innerAt, innerEnd, greater)) return false;
    if (
      !isToken(outer, outerAt, outerEnd, star) &&
      !isSame(inner, innerAt, innerEnd, outer, outerAt, outerEnd)
    )
      return false;
    if (innerEnd === inner.length || outerEnd === outer.length)
      return innerEnd === inner.length && outerEnd === outer.length;
    innerAt = innerEnd + 1;
    outerAt = outerEnd + 1;
  }
}

/** The pattern of the subjects that two patterns share; undefined when they share none. */
export function meet(one: string, other: string): string | undefined {
  const tokens: string[] = [];
  const ones = one.split('.');
  const others = other.split('.');
  for (let at = 0; ; at += 1) {
    const a = ones[at];
    const b = others[at];
    if (a === undefined || b === undefined) return a === b ? tokens.join('.') : undefined;
    if (a === '>') return [...tokens, ...others.slice(at)].join('.');
    if (b === '>') return [...tokens, ...ones.slice(at)].join('.');
    if (a !== b && a !== '*' && b !== '*') return undefined;
    tokens.push(a === '*' ? b : a);
  }
}

/** The end of the token that begins at `from`: the next dot, else the end of the text. */
export function tokenEnd(text: string, from: number): number {
  const end = text.indexOf('.', from);
  return end === -1 ? text.length : end;
}

function isToken(text: string, from: number, end: number, char: number): boolean {
  return end - from === 1 && text.charCodeAt(from) === char;
}

function isSame(a: string, aFrom: number, aEnd: number, b: string, bFrom: number, bEnd: number): boolean {
  if (aEnd - aFrom !== bEnd - bFrom) return false;
  for (let at = aFrom; at < aEnd; at += 1)
    if (a.charCodeAt(at) !== b.charCodeAt(bFrom + at - aFrom)) return false;
  return true;
}

/** What an ASCII character is to a subject. */
const plain = 0;
const separator = 1;
const wildcard = 2;
const refused = 3;
const kinds: Uint8Array = Uint8Array.from({ length: 128 }, (_, char) => {
  if (char < firstPrintable || char > lastAscii) return refused;
  if (char === dot) return separator;
  return char === star || char === greater ? wildcard : plain;
});

function faultOf(text: string, isPatternText: boolean): string | undefined {
  if (text.length === 0) return 'it is empty';
  if (text.length > subjectBytesMax) return tooLong;
  let tokenFrom = 0;
  let isAscii = true;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    const kind = char < 128 ? kinds[char] : plain;
    if (char > 127) isAscii = false;
    if (kind === plain) continue;
    if (kind === refused) return notPrintable;
    if (kind === wildcard) {
      if (!isPatternText) return "'*' and '>' stand only in patterns";
      const fault = wildcardFault(text, char, at, tokenFrom);
      if (fault !== undefined) return fault;
    } else {
      if (at === tokenFrom) return emptyToken;
      tokenFrom = at + 1;
    }
  }
  if (tokenFrom === text.length) return emptyToken;
  return isAscii ? undefined : unicodeFault(text);
}

const tooLong = `it is longer than ${subjectBytesMax} bytes`;
const emptyToken = 'it has an empty token: a dot at its beginning or end, or two in a row';
const notPrintable = 'it has a space or a character that cannot be seen';

function wildcardFault(text: string, char: number, at: number, tokenFrom: number): string | undefined {
  const isAlone = at === tokenFrom && tokenEnd(text, at) === at + 1;
  if (!isAlone) return "'*' and '>' stand for whole tokens only";
  if (char === greater && at + 1 !== text.length) return "'>' may only be the last token";
  return undefined;
}

/** Two texts that look the same and differ in how an accent is written would be two subjects: one form is allowed. */
function unicodeFault(text: string): string | undefined {
  if (!text.isWellFormed() || unprintable.test(text)) return notPrintable;
  if (text.normalize('NFC') !== text) return 'its characters are not in their composed form (Unicode NFC)';
  return Buffer.byteLength(text) > subjectBytesMax ? tooLong : undefined;
}
