import { createHash } from 'node:crypto';
import type { Clock, Random } from '../clock.ts';
import { HostError } from '../errors.ts';
import { parseRight } from './right.ts';
import { changeTokens, readTokens, type TokenRecord, tokensMax } from './token-file.ts';

const tokenBytes = 32;
const tokenPrefix = 'mote_';
const nameCharsMax = 64;
const rightsMax = 100;

export interface TokenRequest {
  /** What lists and logs call it. */
  readonly name: string;
  /** `VERB[:PATTERN]` each; see `right.ts`. */
  readonly may: readonly string[];
  /** Milliseconds since the Unix epoch; undefined: it does not run out. */
  readonly expiresAtMs?: number;
}

/** What a list shows of a token. */
export type TokenNote = Omit<TokenRecord, 'hash'>;

/**
 * Makes a token and keeps its hash in the state folder; the text is told here and never again.
 * @throws HostError `HOST_ERR_TOKEN_INVALID` for a name that is taken or none, `HOST_ERR_RIGHT_INVALID` for what is no capability;
 * `HOST_ERR_STATE_LOCKED`, `HOST_ERR_STATE_UNWRITABLE`
 */
export function createToken(
  stateFolder: string,
  { name, may, expiresAtMs }: TokenRequest,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): { readonly token: string; readonly note: TokenNote } {
  requireName(name);
  if (may.length === 0 || may.length > rightsMax)
    throw refused(`a token needs 1 to ${rightsMax} capabilities, such as invoke:billing`, { may });
  for (const right of may) parseRight(right);
  const nowMs = Number(clock.wallNs() / 1_000_000n);
  if (expiresAtMs !== undefined && !(expiresAtMs > nowMs))
    throw refused('the token would have run out already', { expiresAtMs });
  const token = tokenPrefix + Buffer.from(random.fill(new Uint8Array(tokenBytes))).toString('base64url');
  const expires = expiresAtMs === undefined ? {} : { expires: new Date(expiresAtMs).toISOString() };
  const note: TokenNote = { name, may, created: new Date(nowMs).toISOString(), ...expires };
  changeTokens(stateFolder, (tokens) => {
    if (tokens.some((one) => one.name === name))
      throw refused(`there is a token '${name}': revoke it, or choose another name`, { name });
    if (tokens.length >= tokensMax)
      throw refused(`there are ${tokensMax} tokens: revoke some`, { tokensMax });
    return [...tokens, { ...note, hash: tokenHash(token) }];
  });
  return { token, note };
}

/** The tokens of a state folder in the order of their making. @throws HostError as `readTokens` */
export function listTokens(stateFolder: string): readonly TokenNote[] {
  return readTokens(stateFolder).map(({ hash: _hash, ...note }) => note);
}

/** Takes a token back; a host that runs sees it within a second. @throws HostError `HOST_ERR_TOKEN_UNKNOWN` when there is none */
export function revokeToken(stateFolder: string, name: string): void {
  changeTokens(stateFolder, (tokens) => {
    const left = tokens.filter((one) => one.name !== name);
    if (left.length === tokens.length)
      throw new HostError(
        'HOST_ERR_TOKEN_UNKNOWN',
        `there is no token '${name}' in ${stateFolder}; host token list shows them`,
        { name },
      );
    return left;
  });
}

/** SHA-256, hex. */
export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function requireName(name: string): void {
  if (name.length <= nameCharsMax && /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) return;
  throw refused(`'${name}': a token's name is at most ${nameCharsMax} letters, digits, '.', '_' and '-'`, {
    name,
  });
}

function refused(message: string, data: Record<string, unknown>): HostError {
  return new HostError('HOST_ERR_TOKEN_INVALID', message, data);
}
