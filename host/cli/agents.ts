import { HostError, plainText } from '../errors.ts';
import type {
  AgentDetail,
  AgentProfile,
  AgentScheduling,
  AgentSummary,
  AgentTrigger,
  Difference,
} from '../host/serving.ts';
import { pull, reins, wait } from './agent-reins.ts';
import { agentTable, placeText } from './agent-table.ts';
import { listTies, tie, tieVerbs } from './agent-ties.ts';
import { grouped, short, span } from './client/amount.ts';
import { bytesOf } from './client/answer.ts';
import { Connection, connectionHelp, connectionOptions } from './client/connection.ts';
import { isProblem, type Problem, problemError, problemOf } from './client/problem.ts';
import { formatPairs } from './client/table.ts';
import { listIn, tableIn, type Wire } from './client/wire.ts';
import type { Command } from './command.ts';
import { differenceText, wantsMore } from './difference.ts';
import { exitCodes } from './exit-code.ts';
import { formatBytes, formatMs } from './report.ts';
import { parseWords, requireWords } from './words.ts';

const options = {
  ...connectionOptions,
  json: { type: 'boolean' },
  wide: { type: 'boolean', short: 'w' },
  prefix: { type: 'string' },
  accept: { type: 'boolean' },
  drop: { type: 'boolean' },
  retry: { type: 'boolean' },
  until: { type: 'string' },
  timeout: { type: 'string' },
} as const;
const usage = 'see host agents --help';

export const command: Command = {
  summary: 'list, show, install, remove, pause, resume, stop and kill agents',
  help: `host agents: lists, shows, installs and removes agents of a host that serves, and takes them in hand

Usage: host agents [--prefix TEXT] [--wide|--json]   all of them
       host agents NAME [--json]                     everything about one
       host agents install FOLDER|agent.toml|FILE.wasm [--accept]
       host agents rm NAME
       host agents pause|stop|kill NAME
       host agents resume NAME [--retry|--drop]
       host agents wait NAME [--until STATE] [--timeout SECONDS]
       host agents ties NAME [--json]            its links, and whom it watches
       host agents link|unlink NAME OTHER
       host agents monitor NAME OTHER            prints the number that demonitor takes
       host agents demonitor NAME NUMBER

  --prefix TEXT           only those whose name begins so
  -w, --wide              how they are scheduled, too: level, weight, turns, share of a core, wait for a turn
  --json                  JSON: a line for each agent, or one document
  --retry                 resume: what the agent was held with comes to it again; this is so by itself
  --drop                  resume: what it was held with is a dead letter, and it goes on without
  --until STATE           wait: for created, initializing, ready, running, waiting, suspended, completed, failed,
                          terminating, terminated, unreachable, or ended (as by itself): for one of completed,
                          failed, terminated
  --timeout SECONDS       wait: ends with 124 when it is not in that state by then; default an hour
  --accept                install a version although it imports or asks for more than the one before

A FOLDER is built first if it changed. When a new version wants more than the one before, install shows what, changes
nothing and ends with 77; look at it, then say --accept. An agent named as one of these verbs is shown by:
host agents -- NAME. A paused agent stands still, in the middle of a message too, and its mail waits; stop ends it after
its message, kill at once, and resume lets it go on, or begin anew. An agent is held, or terminated, because its
manifest says so for the way in which it failed ([errors]). Ties last until the first
end of either, or of the host: who fails takes along whom it is linked to, and whoever watches is told.
${connectionHelp}`,
  endsProcess: true,
  run: async (args) => {
    const { values, positionals } = parseWords('agents', args, options);
    const connection = Connection.of(values, process.env);
    const isName = args.includes('--');
    const [action, what] = positionals;
    requireFlagsOf(isName ? undefined : action, args, values);
    if (action === undefined)
      return list(connection, values.prefix ?? '', values.json === true, values.wide === true);
    if (!isName && action === 'install')
      return install(connection, oneWord(what, positionals), values.accept === true);
    if (!isName && action === 'rm') return remove(connection, oneWord(what, positionals));
    if (!isName && reins.has(action)) return pull(connection, action, oneWord(what, positionals));
    if (!isName && tieVerbs.has(action)) return tie(connection, positionals);
    if (!isName && action === 'ties')
      return listTies(connection, oneWord(what, positionals), values.json === true);
    if (!isName && action === 'wait')
      return wait(connection, oneWord(what, positionals), values.until, values.timeout);
    if (!isName && action === 'resume') return resume(connection, oneWord(what, positionals), values);
    requireWords(positionals, 1, usage);
    return show(connection, action, values.json === true);
  },
};

type Flag = Exclude<keyof typeof options, keyof typeof connectionOptions>;

/** What each verb takes. */
const flagsOf: Readonly<Record<string, readonly Flag[]>> = {
  install: ['accept'],
  rm: [],
  pause: [],
  stop: [],
  kill: [],
  resume: ['retry', 'drop'],
  wait: ['until', 'timeout'],
  ties: ['json'],
  link: [],
  unlink: [],
  monitor: [],
  demonitor: [],
};
const showFlags: readonly Flag[] = ['json'];
const listFlags: readonly Flag[] = ['prefix', 'json', 'wide'];

/** A flag that has no effect is no flag. @throws HostError `HOST_ERR_CLI_USAGE` */
function requireFlagsOf(
  action: string | undefined,
  args: readonly string[],
  values: Readonly<Partial<Record<Flag, unknown>>>,
): void {
  const isVerb = action !== undefined && Object.hasOwn(flagsOf, action);
  const isList = action === undefined && !args.includes('--');
  const taken = isVerb ? flagsOf[action] : isList ? listFlags : showFlags;
  const own = Object.keys(options).filter((flag) => !Object.hasOwn(connectionOptions, flag)) as Flag[];
  const idle = own.find((flag) => values[flag] !== undefined && taken?.includes(flag) !== true);
  if (idle === undefined) return;
  const what = isVerb ? `host agents ${action}` : isList ? 'the list of agents' : 'one agent';
  throw new HostError('HOST_ERR_CLI_USAGE', `--${idle} has no effect on ${what}; ${usage}`, { flag: idle });
}

function oneWord(word: string | undefined, positionals: readonly string[]): string {
  requireWords(positionals, 2, usage);
  if (word !== undefined) return word;
  throw new HostError(
    'HOST_ERR_CLI_USAGE',
    `host agents ${positionals[0]} needs to be told which one; ${usage}`,
  );
}

const pageMax = 1000;

/** Page by page: there may be a million. */
async function list(
  connection: Connection,
  prefix: string,
  isJson: boolean,
  isWide: boolean,
): Promise<number> {
  let [after, count]: [string | undefined, number] = [undefined, 0];
  do {
    const query = new URLSearchParams({ limit: String(pageMax) });
    if (prefix !== '') query.set('prefix', prefix);
    if (after !== undefined) query.set('after', after);
    const page = tableIn(await connection.json('GET', `/v1/agents?${query}`));
    const agents = listIn<Wire<AgentSummary>>(page, 'agents');
    process.stdout.write(isJson ? jsonLines(agents) : agentTable(agents, count === 0, isWide));
    count += agents.length;
    after = typeof page.next === 'string' ? page.next : undefined;
  } while (after !== undefined);
  if (count === 0 && !isJson) process.stderr.write('host: no agents\n');
  return exitCodes.ok;
}

function jsonLines(agents: readonly unknown[]): string {
  return agents.map((agent) => `${JSON.stringify(agent)}\n`).join('');
}

async function show(connection: Connection, name: string, isJson: boolean): Promise<number> {
  const detail = tableIn(await connection.json('GET', `/v1/agents/${encodeURIComponent(name)}`));
  process.stdout.write(isJson ? `${JSON.stringify(detail)}\n` : detailText(detail as Wire<AgentDetail>));
  return exitCodes.ok;
}

function detailText(agent: Wire<AgentDetail>): string {
  const { subscriptions = [], imports = [], earlier = [], triggers = [] } = agent;
  const pairs: [string, string | undefined][] = [
    ['name', agent.name],
    ['state', `${agent.state}, ${placeText(agent)}`],
    ['life', agent.lifecycle],
    [
      'handled',
      `${grouped(agent.handled)} ${agent.handled === 1 ? 'message' : 'messages'}, ${grouped(agent.failed)} of them failed`,
    ],
    ['waiting', `${grouped(agent.mailboxDepth)} messages`],
    ['under way', underWayText(agent.underWayMs)],
    ['used', `fuel ${grouped(agent.fuel)} · memory ${formatBytes(agent.memoryBytes)}`],
    ['works', profileText(agent.profile)],
    ['scheduled', schedulingText(agent.scheduling)],
    ['world', agent.world],
    ['digest', agent.digest],
    ['installed', new Date(agent.installedAtMs).toISOString()],
    ['signed by', agent.signedBy],
    ['earlier', earlier.length === 0 ? undefined : earlier.map((digest) => digest.slice(0, 12)).join(' ')],
    ['route', agent.route],
    ['parent', agent.parent],
    ['children', agent.children?.join(' ')],
    ...imports.map((name): [string, string] => ['imports', name]),
    ...subscriptions.map(({ pattern, group }): [string, string] => [
      'listens',
      group === undefined || group === null ? pattern : `${pattern} (group ${group})`,
    ]),
    ...triggers.map((trigger): [string, string] => ['trigger', triggerText(trigger)]),
    ['manifest', agent.manifestPath ?? '(installed over HTTP)'],
    ['trouble', agent.lastError],
    [
      'lost',
      agent.losses > 0
        ? `${grouped(agent.losses)} ${agent.losses === 1 ? 'instance' : 'instances'}`
        : undefined,
    ],
    ['circuit', agent.circuit],
    ['ready', agent.isReady === undefined ? undefined : agent.isReady ? 'yes' : 'no: its mail waits'],
  ];
  const there = pairs.filter(
    (pair): pair is [string, string] => typeof pair[1] === 'string' && pair[1] !== '',
  );
  const manifest = plainText(agent.manifest.trimEnd(), true);
  return `${formatPairs(there)}${manifest === '' ? '' : `\n${manifest}\n`}`;
}

function underWayText(ms: number | null | undefined): string | undefined {
  return typeof ms === 'number'
    ? `a message, for ${formatMs(ms)}; what it uses is told at its end`
    : undefined;
}

/** An older host says nothing of it. */
function profileText(profile: Wire<AgentProfile> | undefined): string | undefined {
  if (profile === undefined) return undefined;
  const { executionMs, messagesPerSecond, cpuIntensity, kind } = profile;
  const share = `${Math.round(cpuIntensity * 100)} % of its time (${kind})`;
  return `computes ${executionMs.toFixed(3)} ms for a message, ${share}; ${short(messagesPerSecond)} messages a second`;
}

function schedulingText(scheduling: Wire<AgentScheduling> | undefined): string | undefined {
  if (scheduling === undefined) return undefined;
  const { level, weight, turns, share, waitMs } = scheduling;
  const waits = typeof waitMs === 'number' ? `; waits ${formatMs(waitMs)} for one` : '';
  return `${level}, weight ${weight}: ${short(turns)} turns, ${Math.round(share * 100)} % of a core${waits}`;
}

function triggerText({ name, cron, zone, everyMs, atMs, subject, nextMs }: Wire<AgentTrigger>): string {
  const when =
    typeof cron === 'string'
      ? `cron ${cron} (${zone ?? 'UTC'})`
      : typeof everyMs === 'number'
        ? `every ${everyMs % 1000 === 0 ? span(everyMs) : `${everyMs}ms`}`
        : typeof atMs === 'number'
          ? `at ${new Date(atMs).toISOString()}`
          : `subject ${subject}`;
  const next = typeof nextMs === 'number' ? `, next at ${new Date(nextMs).toISOString()}` : '';
  return `${name}: ${when}${next}`;
}

async function remove(connection: Connection, name: string): Promise<number> {
  await connection.json('DELETE', `/v1/agents/${encodeURIComponent(name)}`);
  process.stderr.write(`host: ${plainText(name)} is removed\n`);
  return exitCodes.ok;
}

interface ResumeFlags {
  readonly drop?: boolean | undefined;
  readonly retry?: boolean | undefined;
}

async function resume(connection: Connection, name: string, { drop, retry }: ResumeFlags): Promise<number> {
  if (drop === true && retry === true)
    throw new HostError('HOST_ERR_CLI_USAGE', `--drop and --retry are two ways to go on: say one; ${usage}`);
  const message = drop === true ? 'drop' : 'retry';
  await connection.json('POST', `/v1/agents/${encodeURIComponent(name)}/resume?message=${message}`);
  process.stderr.write(`host: ${plainText(name)} goes on\n`);
  return exitCodes.ok;
}

const installSilenceMsMax = 120_000;

async function install(connection: Connection, path: string, isAccepted: boolean): Promise<number> {
  const { loadAgent } = await import('./serve/agent-files.ts');
  const { digestOf } = await import('./serve/digest.ts');
  const { text, component, signature } = await loadAgent(path);
  const accept = isAccepted ? `?accept=${digestOf(component)}` : '';
  const body = {
    manifest: withoutComponent(text),
    component: Buffer.from(component).toString('base64'),
    ...(signature === undefined ? {} : { signature: Buffer.from(signature).toString() }),
  };
  const answer = await connection.ask({
    method: 'POST',
    path: `/v1/agents${accept}`,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(body)),
    silenceMsMax: installSilenceMsMax,
  });
  if (isProblem(answer)) return refused(await problemOf(answer, connection.url), connection);
  const installed = tableIn(JSON.parse((await bytesOf(answer, installedBytesMax)).toString('utf8')));
  const digest = String(installed.digest).slice(0, 12);
  const change = changes[String(installed.change)] ?? 'is installed';
  process.stderr.write(`host: ${plainText(String(installed.name))} ${change}, ${digest}\n`);
  return exitCodes.ok;
}

const changes: Readonly<Record<string, string>> = {
  installed: 'is installed',
  upgraded: 'is upgraded',
  unchanged: 'is there already, as it is',
};
const installedBytesMax = 16 * 1024 * 1024;

/** The line `component = …` names a file beside the manifest, which a server does not have. */
function withoutComponent(manifest: string): string {
  const [head = '', ...tables] = manifest.split(/^(?=\s*\[)/m);
  return [head.replace(/^\s*component\s*=.*\n?/m, ''), ...tables].join('');
}

const conflict = 409;

/** A version that wants more is told apart from all that is wrong. */
function refused(problem: Problem, connection: Connection): number {
  const difference = (problem.data.difference ?? problem.data) as Partial<Difference>;
  if (problem.status !== conflict || !wantsMore(difference)) throw problemError(problem, connection.url);
  process.stderr.write(
    `host: the new version wants more than the one before:\n${differenceText(difference)}`,
  );
  process.stderr.write('host: nothing was changed; host agents install … --accept allows it\n');
  return exitCodes.denied;
}
