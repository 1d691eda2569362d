import { isAgentName } from '../manifest/name.ts';
import { type Level, rankOfLevel } from '../manifest/scheduling.ts';
import type { FileGrant, Grants, OrchestrationGrants } from '../manifest.ts';
import { meet } from '../subject.ts';
import { HttpRules, type HttpTarget } from './http-rules.ts';
import { Interned } from './interned.ts';
import { NameSet } from './name-set.ts';
import { PatternSet } from './pattern-set.ts';

/** Grants made ready for being asked. Equal grants are one object, however many agents have them. */
export class Rules {
  readonly grants: Grants;
  readonly send: PatternSet;
  readonly publish: PatternSet;
  readonly subscribe: PatternSet;
  readonly tools: NameSet;
  readonly spawn: NameSet;
  readonly channels: NameSet;
  readonly leases: NameSet;
  readonly groups: NameSet;
  readonly spawnFrom: NameSet;
  readonly links: NameSet;
  readonly monitors: NameSet;
  readonly http: HttpRules;

  private constructor(grants: Grants) {
    this.grants = grants;
    this.send = PatternSet.of('send', grants.bus.send);
    this.publish = PatternSet.of('publish', grants.bus.publish);
    this.subscribe = PatternSet.of('subscribe', grants.bus.subscribe);
    this.tools = new NameSet(grants.tools);
    this.spawn = new NameSet(grants.spawn);
    const { channels, leases, groups, spawnFrom, links, monitors } = grants.orchestration;
    this.channels = new NameSet(channels);
    this.leases = new NameSet(leases);
    this.groups = new NameSet(groups);
    this.spawnFrom = new NameSet(spawnFrom);
    this.links = new NameSet(links);
    this.monitors = new NameSet(monitors);
    this.http = new HttpRules(grants.http);
  }

  /** @throws HostError `HOST_ERR_GRANT_INVALID` for a pattern that is none */
  static of(grants: Grants): Rules {
    return known.get(JSON.stringify(ordered(grants)), () => new Rules(grants));
  }

  connects(target: HttpTarget): boolean {
    return this.http.allows(target);
  }

  /** Whether messages may be handled at a level. */
  urges(level: Level): boolean {
    const { priorityMax } = this.grants.bus;
    return priorityMax !== undefined && rankOfLevel(level) >= rankOfLevel(priorityMax);
  }

  spawns(name: string): boolean {
    return isAgentName(name) && this.spawn.has(name);
  }

  reaches(host: string, port: number): boolean {
    return this.grants.net.some((one) => one.host === host && (one.port === undefined || one.port === port));
  }

  opens({ path, guest, mode }: FileGrant): boolean {
    return this.grants.files.some(
      (one) =>
        one.path === path && one.guest === guest && (one.mode === 'read-write' || mode === 'read-only'),
    );
  }

  /** Whether some folder is granted under a name. */
  names(guest: string): boolean {
    return this.grants.files.some((one) => one.guest === guest);
  }

  /** Whether something a pattern to subscribe to stands for is among these. */
  touches(pattern: string): boolean {
    return this.subscribe.overlaps(pattern, meet);
  }
}

const known = new Interned<Rules>();

/** The same text for the same grants: keys in one order, and lists whose order means nothing sorted. */
function ordered(grants: Grants): unknown {
  const { bus, http, files, net, environment, secrets, context, tools, spawn, orchestration } = grants;
  return [
    [[...bus.send].sort(), [...bus.publish].sort(), [...bus.subscribe].sort(), bus.priorityMax ?? null],
    http.map(({ scheme, host, port, methods, path }) => [scheme, host, port, methods ?? null, path]),
    files.map(({ path, guest, mode }) => [path, guest, mode]),
    net.map(({ host, port }) => [host, port ?? null]),
    environment.map((one) => [one.name, one.kind, one.kind === 'text' ? one.text : one.secret]),
    [...secrets].sort(),
    context,
    [...tools].sort(),
    [...spawn].sort(),
    ...sharedOf(orchestration),
  ];
}

function sharedOf(grants: OrchestrationGrants): unknown[] {
  const { channels, leases, groups, spawnFrom, childrenMax, links, monitors } = grants;
  const names = [channels, leases, groups, spawnFrom, links, monitors];
  return [...names.map((list) => [...list].sort()), childrenMax];
}
