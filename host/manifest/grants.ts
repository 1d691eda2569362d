import { posix } from 'node:path';
import { patternFault, reservedToken } from '../subject.ts';
import { type EnvironmentGrant, environmentOf, secretsOf } from './environment.ts';
import { hostName } from './host-name.ts';
import { type HttpGrant, httpGrantOf, portMax } from './http-grant.ts';
import { type Level, levels } from './scheduling.ts';
import { isInside } from './sources.ts';
import { subscribableFault } from './subscriptions.ts';
import type { Table } from './table.ts';

/** Patterns of subjects an agent may use; `agent.NAME` is an agent's mailbox. */
export interface BusGrants {
  /** Where it may send and whom it may ask. */
  readonly send: readonly string[];
  readonly publish: readonly string[];
  /** What the patterns it subscribes to by itself have to lie within. */
  readonly subscribe: readonly string[];
  /** The first level at which it may have its messages handled; undefined: its own. */
  readonly priorityMax?: Level;
}

/** A folder of the host's an agent may see. */
export interface FileGrant {
  /** Relative to the manifest, never outside of its folder. */
  readonly path: string;
  /** What the agent calls it: absolute. */
  readonly guest: string;
  readonly mode: 'read-only' | 'read-write';
}

/** A place an agent may connect a socket to. */
export interface SocketGrant {
  /** As `hostName` gives it. */
  readonly host: string;
  /** Undefined: any. */
  readonly port: number | undefined;
}

/** What an agent may use together with others, by name; a `*` at the end of a name stands for the rest of it. */
export interface OrchestrationGrants {
  readonly channels: readonly string[];
  readonly leases: readonly string[];
  readonly groups: readonly string[];
  /** Installed agents it may make others like; how those may be called, `Grants.spawn` says. */
  readonly spawnFrom: readonly string[];
  /** How many agents it made there may be at a time. */
  readonly childrenMax: number;
  /** Agents it may link itself to while it runs: who fails takes the other along. */
  readonly links: readonly string[];
  /** Agents whose end it may ask to be told of while it runs. */
  readonly monitors: readonly string[];
}

/** Everything an agent may reach beyond itself. What is not here is not there for it. */
export interface Grants {
  readonly bus: BusGrants;
  readonly http: readonly HttpGrant[];
  readonly files: readonly FileGrant[];
  readonly net: readonly SocketGrant[];
  readonly environment: readonly EnvironmentGrant[];
  /** Handles of the secrets it may be given. */
  readonly secrets: readonly string[];
  /** Its memory beyond a message. */
  readonly context: boolean;
  /** Names of tools; a `*` at the end stands for the rest of a name. */
  readonly tools: readonly string[];
  /** Names of agents it may start; `*` as for tools. */
  readonly spawn: readonly string[];
  readonly orchestration: OrchestrationGrants;
}

/** An agent that may compute and answer, nothing else. */
export const noGrants: Grants = {
  bus: { send: [], publish: [], subscribe: [] },
  http: [],
  files: [],
  net: [],
  environment: [],
  secrets: [],
  context: false,
  tools: [],
  spawn: [],
  orchestration: {
    channels: [],
    leases: [],
    groups: [],
    spawnFrom: [],
    childrenMax: 0,
    links: [],
    monitors: [],
  },
};

const patternsMax = 100_000;
const namesMax = 1000;
const portBounds = { min: 1, max: portMax };
const toolPattern = /^([A-Za-z0-9][A-Za-z0-9._:/-]{0,126}\*?|\*)$/;
const sharedPattern = /^([a-z0-9][a-z0-9._-]{0,62}\*?|\*)$/;
const sharedCharsMax = 63;
const childrenBounds = { min: 1, max: 10_000 };
const childrenDefault = 16;
const spawnPattern = /^([a-z][a-z0-9-]{0,62}\*?|\*)$/;

/** Reads `[capabilities]` and `[environment]`. @throws HostError `HOST_ERR_CONFIG_INVALID`, `HOST_ERR_LIMIT_INVALID` */
export function grantsOf(manifest: Table): Grants {
  const table = manifest.table('capabilities');
  table.only(['bus', 'http', 'files', 'net', 'context', 'tools', 'spawn', 'orchestration']);
  const environment = environmentOf(manifest);
  return {
    bus: busOf(table.table('bus')),
    http: table.tables('http').map(httpGrantOf),
    files: filesOf(table),
    net: table.tables('net').map(socketOf),
    environment,
    secrets: secretsOf(environment),
    context: table.flag('context'),
    tools: namesOf(table, 'tools', toolPattern, 'weather.*'),
    spawn: namesOf(table, 'spawn', spawnPattern, 'worker-*'),
    orchestration: orchestrationOf(table.table('orchestration')),
  };
}

/** Whether something shared may be called so: words of lower-case letters, digits, `_` and `-`, with dots between; at most 63 characters. */
export function isSharedName(name: string): boolean {
  return name.length <= sharedCharsMax && /^[a-z0-9][a-z0-9_-]*(\.[a-z0-9_-]+)*$/.test(name);
}

function orchestrationOf(table: Table): OrchestrationGrants {
  table.only(['channels', 'leases', 'groups', 'spawn-from', 'children-max', 'links', 'monitors']);
  const spawnFrom = namesOf(table, 'spawn-from', spawnPattern, 'worker');
  return {
    channels: namesOf(table, 'channels', sharedPattern, 'orders'),
    leases: namesOf(table, 'leases', sharedPattern, 'leader'),
    groups: namesOf(table, 'groups', sharedPattern, 'swarm'),
    spawnFrom,
    childrenMax: table.quantity(
      'children-max',
      'count',
      childrenBounds,
      spawnFrom.length === 0 ? 0 : childrenDefault,
    ),
    links: namesOf(table, 'links', spawnPattern, 'worker-*'),
    monitors: namesOf(table, 'monitors', spawnPattern, 'worker-*'),
  };
}

function busOf(table: Table): BusGrants {
  table.only(['send', 'publish', 'subscribe', 'priority']);
  return {
    ...(table.has('priority') ? { priorityMax: table.choice('priority', levels, 'batch') } : {}),
    send: patternsOf(table, 'send', 'agent.audit', sendableFault),
    publish: patternsOf(table, 'publish', 'orders.*.created', publishableFault),
    subscribe: patternsOf(table, 'subscribe', 'orders.>', subscribableFault),
  };
}

function patternsOf(
  table: Table,
  key: string,
  example: string,
  faultOf: (pattern: string) => string | undefined,
): readonly string[] {
  const patterns = table.texts(key, example);
  if (patterns.length > patternsMax) throw table.wrong(key, `at most ${patternsMax} patterns`);
  for (const pattern of patterns) {
    const fault = faultOf(pattern);
    if (fault !== undefined) throw table.fault(key, `capabilities.bus.${key}: '${pattern}': ${fault}`);
  }
  return patterns;
}

/** Why nobody may be granted to send to a pattern. Answers go out without a grant; the host's events are its own. */
function sendableFault(pattern: string): string | undefined {
  const reserved = reservedToken(pattern);
  return reserved === 'host' || reserved === '_inbox'
    ? `what begins with '${reserved}' takes no messages`
    : patternFault(pattern);
}

function publishableFault(pattern: string): string | undefined {
  const reserved = reservedToken(pattern);
  return reserved === undefined
    ? patternFault(pattern)
    : `nobody publishes to what begins with '${reserved}'${reserved === 'agent' ? "; 'send' is for agents" : ''}`;
}

function filesOf(capabilities: Table): readonly FileGrant[] {
  const seen = new Set<string>();
  return capabilities.tables('files').map((table) => {
    const grant = fileOf(table);
    if (seen.has(grant.guest)) throw table.wrong('guest', `another: '${grant.guest}' is granted above`);
    seen.add(grant.guest);
    return grant;
  });
}

function fileOf(table: Table): FileGrant {
  table.only(['path', 'guest', 'mode']);
  const text = table.text('path') ?? '';
  if (!isInside(text))
    throw table.wrong('path', 'a folder within the agent\'s, relative to it, such as "data"');
  const path = trimmed(posix.normalize(text));
  const guest = table.text('guest') ?? posix.resolve('/', path);
  if (!isPlainGuest(guest)) throw table.wrong('guest', 'an absolute path, such as "/data"');
  const mode = table.choice('mode', ['read-only', 'read-write'], 'read-only');
  // An agent that could write its manifest could grant itself anything.
  if (path === '.' && mode === 'read-write')
    throw table.wrong('mode', 'read-only for the folder that holds the manifest; grant a folder in it');
  return { path, guest: trimmed(posix.normalize(guest)), mode };
}

function trimmed(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

function isPlainGuest(guest: string): boolean {
  return guest.startsWith('/') && !guest.includes('\0') && !guest.split('/').includes('..');
}

function socketOf(table: Table): SocketGrant {
  table.only(['host', 'port']);
  const host = hostName(table.text('host') ?? '');
  if (host === undefined) throw table.wrong('host', 'a name or address, such as "db.example.com" or "::1"');
  if (!table.has('port')) throw table.wrong('port', 'a number, or "*" for any');
  if (table.value('port') === '*') return { host, port: undefined };
  return { host, port: table.quantity('port', 'count', portBounds, portMax) };
}

function namesOf(table: Table, key: string, pattern: RegExp, example: string): readonly string[] {
  const names = table.texts(key, example);
  if (names.length > namesMax) throw table.wrong(key, `at most ${namesMax} names`);
  const wrong = names.find((name) => !pattern.test(name));
  if (wrong === undefined) return names;
  throw table.wrong(key, `names, with * at the end if anywhere, such as ["${example}"]; '${wrong}' is none`);
}
