import type { AuditLevel } from '../../host/record/audit-level.ts';
import type { HttpFront } from '../../http/listen.ts';
import type { Manifest } from '../../manifest.ts';
import { agentSubject } from '../../subject.ts';
import { formatTable } from '../client/table.ts';
import { commandName } from '../command-name.ts';
import { type AgentFiles, shown } from './agent-files.ts';

export interface BannerFacts {
  readonly agents: readonly AgentFiles[];
  readonly listening: HttpFront;
  readonly threads: number;
  readonly stateFolder: string;
  readonly isWatching: boolean;
  readonly auditLevel: AuditLevel;
}

const rowsMax = 20;
const columns = [{ title: 'AGENT' }, { title: 'WORLD' }, { title: 'LISTENS TO' }, { title: 'ROUTE' }];

/** What a person sees first: where it is, who is there, and how to call the first of them. */
export function bannerText(facts: BannerFacts): string {
  const { agents, listening } = facts;
  const rows = agents.slice(0, rowsMax).map(rowOf);
  const more =
    agents.length > rowsMax ? [`… and ${agents.length - rowsMax} more: ${commandName()} agents`] : [];
  const table = [...formatTable(columns, rows), ...more].map((line) => `  ${line}\n`).join('');
  const tries = triesOf(agents, listening)
    .map(([what, words]) => `  ${what.padEnd(6)}${words}\n`)
    .join('');
  return `\n${table}\n${tries}\n${accessText(listening)}${auditText(facts)}${watchText(facts)}`;
}

function rowOf({ manifest }: AgentFiles): string[] {
  const { name, world = '(its own)', subscriptions, route = '' } = manifest;
  const listens = subscriptions.map(({ pattern, group }) =>
    group === undefined ? pattern : `${pattern} (${group})`,
  );
  return [name, world, listens.join(', '), route];
}

function triesOf(agents: readonly AgentFiles[], { url }: HttpFront): [string, string][] {
  const routed = agents.find(({ manifest }) => manifest.route !== undefined)?.manifest;
  const called = firstToCall(agents.map(({ manifest }) => manifest));
  const tries: [string, string][] = [];
  if (called !== undefined) {
    tries.push(['call', `${commandName()} invoke ${called.name}${urlFlag(url)} --input hello`]);
    tries.push(['curl', `curl -d hello ${url}/v1/agents/${called.name}/invoke`]);
  }
  if (routed !== undefined) tries.push(['open', `${url}${routed.route}`]);
  tries.push(['docs', `${url}/`]);
  return tries;
}

/** One that others do not send to and that listens to nothing: where messages come in. Else any. */
function firstToCall(manifests: readonly Manifest[]): Manifest | undefined {
  const callable = manifests.filter(({ route }) => route === undefined);
  const reached = new Set(callable.flatMap(({ grants }) => grants.bus.send));
  const isInner = ({ name, subscriptions }: Manifest): boolean =>
    subscriptions.length > 0 || reached.has(agentSubject(name));
  return callable.find((manifest) => !isInner(manifest)) ?? callable[0];
}

/** Where the commands look by themselves needs no flag. */
function urlFlag(url: string): string {
  return url === 'http://127.0.0.1:8080' ? '' : ` --url ${url}`;
}

function accessText({ authOff, url }: HttpFront): string {
  return !authOff
    ? `Calls need a token (${commandName()} token create NAME --may invoke makes one).\n`
    : `Calls need no token: ${new URL(url).hostname} is this machine alone. ${commandName()} token create, or --auth, asks for them.\n`;
}

function auditText({ auditLevel }: BannerFacts): string {
  if (auditLevel === 'off') return 'Nothing is recorded (--audit off).\n';
  return `Recorded and signed: ${recorded[auditLevel]} (--audit ${auditLevel}); ${commandName()} audit verify checks it.\n`;
}

const recorded = {
  security: 'lives of agents, denials, limits, traps',
  messages: 'every message and invocation',
  all: 'every message, decision and host call',
} as const;

function watchText({ isWatching, threads, stateFolder }: BannerFacts): string {
  const where = `${threads} ${threads === 1 ? 'thread' : 'threads'}, state in ${shown(stateFolder)}`;
  const watching = isWatching ? 'a changed agent is built and takes over' : 'changes are not watched';
  return `${where}; ${watching}; Ctrl-C drains and stops.\n\n`;
}
