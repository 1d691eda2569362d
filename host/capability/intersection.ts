import { type Level, rankOfLevel } from '../manifest/scheduling.ts';
import type { FileGrant, Grants, HttpGrant, OrchestrationGrants, SocketGrant } from '../manifest.ts';
import { meet, reservedToken } from '../subject.ts';
import { isUnder } from './request-path.ts';

/** Pairs of patterns compared; beyond, only patterns that both lists have are found. */
const pairsMax = 1_000_000;

/** What both allow, written as grants. Never more than either; where lists are huge, maybe less. */
export function intersection(one: Grants, other: Grants): Grants {
  return {
    bus: {
      send: meets(one.bus.send, other.bus.send, meet),
      publish: meets(one.bus.publish, other.bus.publish, meet),
      subscribe: meets(one.bus.subscribe, other.bus.subscribe, meetListened),
      ...urgent(laterOf(one.bus.priorityMax, other.bus.priorityMax)),
    },
    http: pairs(one.http, other.http, meetHttp),
    files: pairs(one.files, other.files, meetFile),
    net: pairs(one.net, other.net, meetSocket),
    environment: one.environment.filter((own) =>
      other.environment.some((theirs) => JSON.stringify(theirs) === JSON.stringify(own)),
    ),
    secrets: one.secrets.filter((handle) => other.secrets.includes(handle)),
    context: one.context && other.context,
    tools: meets(one.tools, other.tools, meetName),
    spawn: meets(one.spawn, other.spawn, meetName),
    orchestration: shared(one, other, (ones, others) => meets(ones, others, meetName)),
  };
}

/** What is left when `gone` was taken away. A grant of which only a part went is left out whole. */
export function without(grants: Grants, gone: Grants): Grants {
  return {
    bus: {
      send: apart(grants.bus.send, gone.bus.send, meet),
      publish: apart(grants.bus.publish, gone.bus.publish, meet),
      subscribe: apart(grants.bus.subscribe, gone.bus.subscribe, meet),
      ...urgent(gone.bus.priorityMax === undefined ? grants.bus.priorityMax : undefined),
    },
    http: apart(grants.http, gone.http, meetHttp),
    files: apart(grants.files, gone.files, (one, other) => (one.guest === other.guest ? one : undefined)),
    net: apart(grants.net, gone.net, meetSocket),
    environment: grants.environment.filter(
      (one) =>
        !gone.environment.some(({ name }) => name === one.name) &&
        !(one.kind === 'secret' && gone.secrets.includes(one.secret)),
    ),
    secrets: grants.secrets.filter((handle) => !gone.secrets.includes(handle)),
    context: grants.context && !gone.context,
    tools: apart(grants.tools, gone.tools, meetName),
    spawn: apart(grants.spawn, gone.spawn, meetName),
    orchestration: {
      ...shared(grants, gone, (own, theirs) => apart(own, theirs, meetName)),
      childrenMax: grants.orchestration.childrenMax,
    },
  };
}

function urgent(priorityMax: Level | undefined): { readonly priorityMax?: Level } {
  return priorityMax === undefined ? {} : { priorityMax };
}

function laterOf(one: Level | undefined, other: Level | undefined): Level | undefined {
  if (one === undefined || other === undefined) return undefined;
  return rankOfLevel(one) > rankOfLevel(other) ? one : other;
}

/** What is left of the names; as many children as both have. */
function shared(
  { orchestration: one }: Grants,
  { orchestration: other }: Grants,
  names: (one: readonly string[], other: readonly string[]) => readonly string[],
): OrchestrationGrants {
  return {
    channels: names(one.channels, other.channels),
    leases: names(one.leases, other.leases),
    groups: names(one.groups, other.groups),
    spawnFrom: names(one.spawnFrom, other.spawnFrom),
    childrenMax: Math.min(one.childrenMax, other.childrenMax),
    links: names(one.links, other.links),
    monitors: names(one.monitors, other.monitors),
  };
}

type Meet<Thing> = (one: Thing, other: Thing) => Thing | undefined;

function pairs<Thing>(ones: readonly Thing[], others: readonly Thing[], shared: Meet<Thing>): Thing[] {
  return ones.flatMap((one) =>
    others.map((other) => shared(one, other)).filter((both) => both !== undefined),
  );
}

function meets(ones: readonly string[], others: readonly string[], shared: Meet<string>): readonly string[] {
  if (ones.length * others.length > pairsMax) {
    const also = new Set(others);
    return ones.filter((one) => also.has(one));
  }
  return [...new Set(pairs(ones, others, shared))];
}

function apart<Thing>(own: readonly Thing[], gone: readonly Thing[], shared: Meet<Thing>): readonly Thing[] {
  return own.filter((one) => !gone.some((other) => shared(one, other) !== undefined));
}

/** The host's events are only where both name them. */
function meetListened(one: string, other: string): string | undefined {
  return (reservedToken(one) === 'host') === (reservedToken(other) === 'host') ? meet(one, other) : undefined;
}

function meetName(one: string, other: string): string | undefined {
  if (one === other) return one;
  if (other.endsWith('*') && one.startsWith(other.slice(0, -1))) return one;
  return one.endsWith('*') && other.startsWith(one.slice(0, -1)) ? other : undefined;
}

function meetHttp(one: HttpGrant, other: HttpGrant): HttpGrant | undefined {
  const host = meetHost(one.host, other.host);
  const path = narrowerPath(one.path, other.path);
  const methods = meetMethods(one.methods, other.methods);
  if (one.scheme !== other.scheme || one.port !== other.port) return undefined;
  if (host === undefined || path === undefined || methods?.length === 0) return undefined;
  return { scheme: one.scheme, host, port: one.port, methods, path };
}

function meetHost(one: string, other: string): string | undefined {
  if (one === other) return one;
  if (other.startsWith('*.') && one.endsWith(other.slice(1))) return one;
  return one.startsWith('*.') && other.endsWith(one.slice(1)) ? other : undefined;
}

function narrowerPath(one: string, other: string): string | undefined {
  if (isUnder(one, other)) return one;
  return isUnder(other, one) ? other : undefined;
}

function meetMethods(one: HttpGrant['methods'], other: HttpGrant['methods']): HttpGrant['methods'] {
  // All methods are all but a tunnel, which has to be named.
  if (one === undefined) return other?.filter((method) => method !== 'CONNECT');
  if (other === undefined) return one.filter((method) => method !== 'CONNECT');
  return one.filter((method) => other.includes(method));
}

/** The same folder only: one below it might be a link, laid by the agent, to somewhere else. */
function meetFile(one: FileGrant, other: FileGrant): FileGrant | undefined {
  if (one.path !== other.path || one.guest !== other.guest) return undefined;
  return one.mode === 'read-only' ? one : other;
}

function meetSocket(one: SocketGrant, other: SocketGrant): SocketGrant | undefined {
  if (one.host !== other.host) return undefined;
  if (one.port === undefined) return other;
  return other.port === undefined || other.port === one.port ? one : undefined;
}
