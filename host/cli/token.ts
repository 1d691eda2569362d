import { existsSync } from 'node:fs';
import { systemClock, systemRandom } from '../clock.ts';
import { HostError, plainText } from '../errors.ts';
import { createToken, listTokens, revokeToken, type TokenNote } from '../http/tokens.ts';
import { formatTable } from './client/table.ts';
import type { Command } from './command.ts';
import { exitCodes } from './exit-code.ts';
import { makeStateFolder, stateFolderOf } from './serve/state-folder.ts';
import { parseWords, requireWords, timeMsOf } from './words.ts';

const options = {
  may: { type: 'string', short: 'm', multiple: true },
  expires: { type: 'string' },
  state: { type: 'string' },
  json: { type: 'boolean' },
} as const;
const usage = 'see host token --help';

export const command: Command = {
  summary: 'make, list and revoke what callers prove themselves with',
  help: `host token: makes, lists and revokes the tokens that callers of a host prove themselves with

Usage: host token create NAME --may RIGHT … [--expires 30d]
       host token list [--json]
       host token revoke NAME

  host token create shop --may invoke:billing --may 'publish:orders.>' --expires 30d
  HOST_TOKEN=mote_… host invoke billing --input hello
  curl -H 'authorization: Bearer mote_…' …

  -m, --may RIGHT         what its owner may do; several times for several things:
                            invoke[:AGENT]      invoke and send to agents (worker-* for some)
                            publish[:SUBJECT]   publish and ask (orders.> for some)
                            subscribe[:SUBJECT] read messages as they come
                            priority[:LEVEL]    have messages handled as high, critical, realtime
                            logs[:AGENT]        read what agents log
                            read                list agents, status, dead letters
                            metrics             /metrics
                            audit               read the audit chain, have people forgotten
                            admin               everything, installing agents included
  --expires TIME          it runs out after this long (12h, 30d)          [never]
  --state FOLDER          the state folder of the host                    [.motehost, or HOST_STATE]

create prints the token once, on stdout; kept is only its hash. A host that runs takes a new token at once,
and refuses a revoked one within a second. From the first token on, a host asks every caller for one.
`,
  run: async (args) => {
    const { values, positionals } = parseWords('token', args, options);
    const [action, name] = positionals;
    const folder = stateFolderOf(values.state, process.env);
    if (action === 'list') {
      requireWords(positionals, 1, usage);
      return list(folder, values.json === true);
    }
    if (action !== 'create' && action !== 'revoke')
      throw new HostError('HOST_ERR_CLI_USAGE', `create, list or revoke? ${usage}`);
    requireWords(positionals, 2, usage);
    if (name === undefined)
      throw new HostError('HOST_ERR_CLI_USAGE', `host token ${action} needs the token's name; ${usage}`);
    return action === 'create'
      ? create(folder, name, values.may ?? [], values.expires)
      : revoke(folder, name);
  },
};

function create(folder: string, name: string, may: readonly string[], expires: string | undefined): number {
  if (may.length === 0)
    throw new HostError(
      'HOST_ERR_CLI_USAGE',
      `what may it do? host token create ${name} --may invoke, or --may admin for everything; ${usage}`,
    );
  const nowMs = Number(systemClock.wallNs() / 1_000_000n);
  const expiry = expires === undefined ? {} : { expiresAtMs: nowMs + timeMsOf('--expires', expires) };
  const isNew = !existsSync(folder);
  makeStateFolder(folder);
  const made = createToken(folder, { name, may, ...expiry }, { clock: systemClock, random: systemRandom });
  process.stdout.write(`${made.token}\n`);
  const until = made.note.expires === undefined ? '' : ` until ${made.note.expires}`;
  process.stderr.write(
    `host: ${name} may ${may.join(', ')}${until}; this is the only time its token is shown\n` +
      `host: its hash is in ${plainText(folder)}${isNew ? newFolder : ', and counts for the host that has this folder'}\n`,
  );
  return exitCodes.ok;
}

const newFolder =
  ', which was made for it: no host has it yet. Is one running? Say its folder with --state or HOST_STATE';

const columns = [{ title: 'NAME' }, { title: 'MAY' }, { title: 'CREATED' }, { title: 'EXPIRES' }];

function list(folder: string, isJson: boolean): number {
  const tokens = listTokens(folder);
  if (isJson) process.stdout.write(tokens.map((token) => `${JSON.stringify(token)}\n`).join(''));
  else if (tokens.length > 0) process.stdout.write(`${formatTable(columns, tokens.map(rowOf)).join('\n')}\n`);
  else process.stderr.write(`host: no tokens in ${folder}\n`);
  return exitCodes.ok;
}

function rowOf({ name, may, created, expires }: TokenNote): string[] {
  return [name, may.join(', '), created, expires ?? 'never'];
}

function revoke(folder: string, name: string): number {
  revokeToken(folder, name);
  process.stderr.write(`host: ${name} is revoked in ${plainText(folder)}\n`);
  return exitCodes.ok;
}
