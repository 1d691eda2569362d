import { HostError, plainText } from '../errors.ts';
import type { SupervisorStatus } from '../host/serving.ts';
import { nearest } from '../nearest.ts';
import { span } from './client/amount.ts';
import { Connection, connectionHelp, connectionOptions } from './client/connection.ts';
import { formatTable } from './client/table.ts';
import { listIn, type Wire } from './client/wire.ts';
import type { Command } from './command.ts';
import { exitCodes } from './exit-code.ts';
import { parseWords, requireWords } from './words.ts';

const options = { ...connectionOptions, json: { type: 'boolean' } } as const;
const usage = 'host supervisors [restart NAME]; see host supervisors --help';

export const command: Command = {
  summary: 'show supervisors and their children, start a tree anew',
  help: `host supervisors: supervisors of a host that serves, and their children

Usage: host supervisors [--json]
       host supervisors restart NAME      stop a tree, if it is up, and start it anew: after it gave up, too

Trees are in the supervisors.toml beside the folders of the agents (docs/supervision.md).

  --json                  each supervisor as a line of JSON
${connectionHelp}`,
  endsProcess: true,
  run: async (args) => {
    const { values, positionals } = parseWords('supervisors', args, options);
    const [action, name] = positionals;
    requireWords(positionals, 2, usage);
    const connection = Connection.of(values, process.env);
    if (action !== undefined) return restart(connection, action, name);
    const all = listIn<Wire<SupervisorStatus>>(
      await connection.json('GET', '/v1/supervisors'),
      'supervisors',
    );
    process.stdout.write(values.json === true ? jsonLines(all) : tableOf(all));
    return exitCodes.ok;
  },
};

async function restart(connection: Connection, action: string, name: string | undefined): Promise<number> {
  if (action !== 'restart')
    throw new HostError(
      'HOST_ERR_CLI_USAGE',
      `what is '${action}' for${nearest(action, ['restart']) || '?'} ${usage}`,
    );
  if (name === undefined)
    throw new HostError('HOST_ERR_CLI_USAGE', `host supervisors restart needs the NAME of a tree; ${usage}`);
  await connection.json('POST', `/v1/supervisors/${encodeURIComponent(name)}/restart`);
  process.stderr.write(`host: ${plainText(name)} was started anew\n`);
  return exitCodes.ok;
}

function jsonLines(all: readonly unknown[]): string {
  return all.map((one) => `${JSON.stringify(one)}\n`).join('');
}

const columns = [
  { title: 'SUPERVISOR' },
  { title: 'STATE' },
  { title: 'STRATEGY' },
  { title: 'AT MOST' },
  { title: 'NOW', isNumber: true },
  { title: 'CHILD' },
  { title: 'IS' },
  { title: 'RESTARTS', isNumber: true },
  { title: 'LAST END' },
];

function tableOf(all: readonly Wire<SupervisorStatus>[]): string {
  if (all.length === 0) return 'none: no supervisors.toml beside the agents\n';
  return `${formatTable(columns, all.flatMap(rowsOf)).join('\n')}\n`;
}

function rowsOf(one: Wire<SupervisorStatus>): string[][] {
  const { name, parent, state, strategy, restartsMax, periodMs, restartsNow = 0, children } = one;
  const path = typeof parent === 'string' ? `${parent} / ${name}` : name;
  const own = [path, state, strategy, `${restartsMax} in ${span(Number(periodMs))}`, String(restartsNow)];
  return children.map((child, at) => [
    ...(at === 0 ? own : ['', '', '', '', '']),
    child.kind === 'supervisor' ? `${child.name} (supervisor)` : child.name,
    typeof child.restartsInMs === 'number' ? `${child.state} ${child.restartsInMs} ms` : child.state,
    String(child.restarts),
    child.lastExit ?? '',
  ]);
}
