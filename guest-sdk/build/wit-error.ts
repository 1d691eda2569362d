import { HostError } from '../../host/errors.ts';
import { nearest } from '../../host/nearest.ts';
import { formatComplaint } from './diagnostic.ts';
import type { WitPiece, WitText } from './wit-text.ts';

/**
 * The WIT parser's error with file, line and column, which the parser knows and does not tell: a syntax error
 * lies at the last token of the shortest beginning of the text that gives the same error; an unknown name is
 * where it stands first.
 */
export async function explainWitError(cause: unknown, wit: WitText, world: string): Promise<HostError> {
  const said = cause instanceof Error ? cause.message : String(cause);
  const message = withCure(said);
  const offset = packageAt(wit, said) ?? (await syntaxErrorAt(wit.text, said)) ?? (await nameAt(wit, said));
  const piece = offset === undefined ? undefined : pieceAt(wit, offset);
  if (offset === undefined || piece === undefined) {
    const text = message.startsWith('World ')
      ? noWorld(wit, world)
      : `WIT of package '${wit.mainPackage}': ${message}`;
    return new HostError('HOST_ERR_WIT_INVALID', text, { world }, cause);
  }
  const complaint = {
    isError: true,
    code: 0,
    text: message,
    file: piece.file,
    offset: offset - piece.offset,
  };
  return new HostError('HOST_ERR_WIT_INVALID', formatComplaint(complaint, piece.source), { world }, cause);
}

const missingPackage = /^package '([^'@]+)(@[^']+)?' not found/;

/** What to do about a package that is not there; the parser lists all that are, a line each. */
function withCure(message: string): string {
  const [, name] = missingPackage.exec(message) ?? [];
  if (name === undefined) return message;
  const known = message
    .split('\n')
    .slice(1)
    .map((line) => line.trim());
  const other = known.filter((one) => one.replace(/@.*/, '') === name);
  const cure = other.length > 0 ? `there is ${other.join(', ')}` : 'put its WIT into wit/deps';
  return `${message.replace(/\. known packages:[\s\S]*/, '')}; ${cure}`;
}

/** Where a package is named that is not there. */
function packageAt(wit: WitText, message: string): number | undefined {
  const [, name, version = ''] = missingPackage.exec(message) ?? [];
  if (name === undefined) return undefined;
  // Not `include a:b/c@1.0.0` for a missing `a:b` without version.
  const reference = `\\b${RegExp.escape(name)}/%?[\\w-]+${RegExp.escape(version)}(?![\\w.-]*@)`;
  const place = new RegExp(reference).exec(wit.text);
  return place?.index;
}

async function syntaxErrorAt(text: string, message: string): Promise<number | undefined> {
  if (!/^(expected|unexpected|invalid|found|unterminated|unknown|control)/i.test(message)) return undefined;
  const complaintOf = await parser();
  const fails = (length: number): boolean => complaintOf(text.slice(0, length)) === message;
  const tokens = tokensOf(text);
  let [low, high] = [0, tokens.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (fails((tokens[middle] as Token).end)) high = middle;
    else low = middle + 1;
  }
  const found = tokens[low];
  return found !== undefined && fails(found.end) ? found.start : undefined;
}

/** What the parser says of a WIT text; undefined: nothing. */
async function parser(): Promise<(text: string) => string | undefined> {
  const { generateTypes, $init } = await import('@bytecodealliance/jco-transpile/component');
  await $init;
  return (text) => {
    try {
      generateTypes('x', { wit: { tag: 'source', val: text } });
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };
}

interface Token {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Words and signs outside of comments. */
function tokensOf(text: string): Token[] {
  const pattern = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|(%?[\w-]+(?::[\w-]+)*|->|[^\s\w])/g;
  return [...text.matchAll(pattern)].flatMap(({ 0: whole, 1: token, index }) =>
    token === undefined ? [] : [{ start: index, end: index + whole.length, text: token.replace(/^%/, '') }],
  );
}

/** The first place of a name that the message quotes: the second one where it stands twice and may not. */
async function nameAt(wit: WitText, message: string): Promise<number | undefined> {
  const name = /[`'"]%?([\w-]+)(?::[\w-]+)*[^`'"]*[`'"]/.exec(message)?.[1];
  if (name === undefined || message.startsWith('World ')) return undefined;
  const own = wit.pieces.filter(({ file }) => pieceIsOwn(wit, file));
  const end = Math.max(0, ...own.map(({ offset, source }) => offset + source.length));
  const places = tokensOf(wit.text.slice(0, end)).filter(
    ({ text }) => text === name || text.startsWith(`${name}:`),
  );
  const isRepeated = /more than once|already|duplicate|previously|prior/.test(message);
  if (isRepeated) return (places[1] ?? places[0])?.start;
  return (await missedAt(wit.text, places, name, message)) ?? places[0]?.start;
}

const placesMax = 100;

/**
 * The place of a name that is missed, which may be known elsewhere. With another name in its place, or in one that the
 * parser looks at earlier, it is the other one that is missed; a change further on changes nothing.
 */
async function missedAt(
  text: string,
  places: readonly Token[],
  name: string,
  message: string,
): Promise<number | undefined> {
  if (!/does not exist|not found|not defined/.test(message) || places.length < 2) return undefined;
  const complaintOf = await parser();
  const other = `${name}-other`;
  return places.slice(0, placesMax).findLast(({ start, end }) => {
    const changed = text.slice(0, start) + other + text.slice(end);
    return complaintOf(changed) === message.replace(name, other);
  })?.start;
}

function pieceIsOwn(wit: WitText, file: string): boolean {
  const limit = wit.text.search(/^package \S+ \{$/m);
  const piece = wit.pieces.find((one) => one.file === file);
  return piece !== undefined && (limit < 0 || piece.offset < limit);
}

function pieceAt(wit: WitText, offset: number): WitPiece | undefined {
  return wit.pieces.find((piece) => offset >= piece.offset && offset <= piece.offset + piece.source.length);
}

function noWorld(wit: WitText, world: string): string {
  const [, name = wit.mainPackage, bare = world, version = ''] = /^(.+)\/([^@]+)(@.+)?$/.exec(world) ?? [];
  const worlds = worldsOf(wit, `${name}${version}`);
  return `agent.toml: package '${name}${version}' has no world '${bare}'${nearest(bare, worlds)}; it has: ${worlds.join(', ') || 'none'}`;
}

function worldsOf(wit: WitText, name: string): string[] {
  const start = name === wit.mainPackage ? 0 : wit.text.indexOf(`package ${name} {\n`);
  const rest = start < 0 ? '' : wit.text.slice(start + 1);
  const limit = rest.search(/^package \S+ \{$/m);
  const own = limit < 0 ? rest : rest.slice(0, limit);
  return [...own.matchAll(/^\s*world\s+%?([\w-]+)/gm)].map(([, world = '']) => world);
}
