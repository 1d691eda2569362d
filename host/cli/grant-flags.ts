import { fs, path as paths } from '../builtin.ts';
import { HostError } from '../errors.ts';
import type { NetGrant, Preopen } from '../host.ts';

/**
 * `--dir HOST[::GUEST][:ro|:rw]`: the guest sees HOST as GUEST (default: as written), read-write unless `:ro`.
 * @throws HostError `HOST_ERR_GRANT_INVALID`
 */
export function parseDir(text: string): Preopen {
  const access = /:(ro|rw)$/.exec(text);
  const path = access === null ? text : text.slice(0, -3);
  const [host = '', guest, ...more] = path.split('::');
  if (host === '' || guest === '' || more.length > 0)
    throw invalid('--dir', text, 'HOST[::GUEST][:ro], for example data::/data:ro');
  const hostPath = paths.resolve(host);
  if (!isDirectory(hostPath)) {
    throw new HostError('HOST_ERR_GRANT_INVALID', `--dir: ${host} is not a directory`, { path: hostPath });
  }
  return { hostPath, guestPath: guest ?? host, mode: access?.[1] === 'ro' ? 'read-only' : 'read-write' };
}

function isDirectory(path: string): boolean {
  try {
    return fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch {
    // Too long a name, a loop of links, no right to look: nothing that could be granted either.
    return false;
  }
}

/** `--env NAME=VALUE`, or `--env NAME` to pass on the host's own value. */
export function parseEnv(
  text: string,
  env: Readonly<Record<string, string | undefined>>,
): readonly [string, string] {
  const split = text.indexOf('=');
  const name = split === -1 ? text : text.slice(0, split);
  if (name === '' || text.includes('\0')) throw invalid('--env', text, 'NAME=VALUE or NAME');
  const inherited = Object.hasOwn(env, name) ? env[name] : undefined;
  const value = split === -1 ? inherited : text.slice(split + 1);
  if (value === undefined)
    throw new HostError(
      'HOST_ERR_GRANT_INVALID',
      `--env: ${name} is not set here; write --env ${name}=VALUE`,
      { name },
    );
  return [name, value];
}

const portMax = 65_535;

/** `--net HOST:PORT`, `HOST:*`, `[::1]:80`. */
export function parseNet(text: string): NetGrant {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]\s]+):(\*|\d{1,5})$/.exec(text);
  const port = match?.[2] === '*' ? undefined : Number(match?.[2]);
  if (match === null || (port !== undefined && (port < 1 || port > portMax))) {
    throw invalid('--net', text, 'HOST:PORT, for example api.example.com:443, 127.0.0.1:* or [::1]:8080');
  }
  return { host: (match[1] ?? '').replace(/^\[|\]$/g, '').toLowerCase(), port };
}

/** What a program is told it is called. */
export function programName(path: string): string {
  return paths.basename(path);
}

function invalid(flag: string, text: string, form: string): HostError {
  return new HostError('HOST_ERR_GRANT_INVALID', `${flag}: '${text}' is not of the form ${form}`, {
    flag,
    text,
  });
}
