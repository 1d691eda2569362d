import { levels, rankOfLevel } from '../manifest/scheduling.ts';
import type { EnvironmentGrant, Grants, Manifest } from '../manifest.ts';
import { hasWildcard, isWithin } from '../subject.ts';
import { PatternTrie } from './pattern-trie.ts';

/** What another version of a manifest asks for more, and less, in its own words. */
export interface GrantDifference {
  /** `[capabilities.bus] send += "agent.audit"`. What the present version has under a wider grant is not new. */
  readonly newGrants: readonly string[];
  readonly droppedGrants: readonly string[];
}

/** Compares all that two versions of an agent may reach or hear, its subscriptions, triggers and route included. */
export function compareGrants(present: Manifest, next: Manifest): GrantDifference {
  return { newGrants: beyond(next, present, '+='), droppedGrants: beyond(present, next, '-=') };
}

/** The lines of one manifest that the other does not cover. */
function beyond(one: Manifest, other: Manifest, sign: string): string[] {
  const [own, theirs] = [one.grants, other.grants];
  return [
    ...busLines(own, theirs, sign),
    ...urgencyLines(own, theirs, sign),
    ...entryLines('[[capabilities.http]]', own.http, theirs.http, sign),
    ...entryLines('[[capabilities.files]]', own.files, theirs.files, sign),
    ...entryLines('[[capabilities.net]]', own.net, theirs.net, sign),
    ...entryLines('[environment]', named(own.environment), named(theirs.environment), sign),
    ...(own.context && !theirs.context ? [`[capabilities] context ${sign} true`] : []),
    ...nameLines('tools', own.tools, theirs.tools, sign),
    ...nameLines('spawn', own.spawn, theirs.spawn, sign),
    ...sharedLines(own, theirs, sign),
    ...entryLines('[subscriptions]', one.subscriptions, other.subscriptions, sign),
    ...entryLines('[[triggers]]', heard(one), heard(other), sign),
    ...entryLines('[errors]', failovers(one), failovers(other), sign),
    ...entryLines('[supervision]', ties(one), ties(other), sign),
    ...(one.route !== undefined && one.route !== other.route
      ? [`[http] route ${sign} ${JSON.stringify(one.route)}`]
      : []),
  ];
}

function busLines(own: Grants, theirs: Grants, sign: string): string[] {
  return (['send', 'publish', 'subscribe'] as const).flatMap((key) => {
    const literals = new Set(theirs.bus[key]);
    const wild = new PatternTrie(theirs.bus[key].filter(hasWildcard));
    return own.bus[key]
      .filter((pattern) => !literals.has(pattern) && !wild.covers(pattern, isOfHost(key, pattern)))
      .map((pattern) => `[capabilities.bus] ${key} ${sign} ${JSON.stringify(pattern)}`);
  });
}

function urgencyLines({ bus: { priorityMax } }: Grants, { bus: theirs }: Grants, sign: string): string[] {
  if (priorityMax === undefined) return [];
  const known = theirs.priorityMax === undefined ? levels.length : rankOfLevel(theirs.priorityMax);
  return rankOfLevel(priorityMax) >= known ? [] : [`[capabilities.bus] priority ${sign} "${priorityMax}"`];
}

/** As when asked: the host's events are covered only by a grant that says `host`. */
function isOfHost(key: string, pattern: string): boolean {
  return key === 'subscribe' && isWithin(pattern, 'host.>');
}

function sharedLines(
  { orchestration: own }: Grants,
  { orchestration: theirs }: Grants,
  sign: string,
): string[] {
  const table = '[capabilities.orchestration]';
  return [
    ...nameLines('channels', own.channels, theirs.channels, sign, table),
    ...nameLines('leases', own.leases, theirs.leases, sign, table),
    ...nameLines('groups', own.groups, theirs.groups, sign, table),
    ...nameLines('spawn-from', own.spawnFrom, theirs.spawnFrom, sign, table),
    ...nameLines('links', own.links, theirs.links, sign, table),
    ...nameLines('monitors', own.monitors, theirs.monitors, sign, table),
    ...(own.spawnFrom.length > 0 && own.childrenMax > theirs.childrenMax
      ? [`${table} children-max ${sign} ${own.childrenMax}`]
      : []),
  ];
}

function nameLines(
  key: string,
  own: readonly string[],
  theirs: readonly string[],
  sign: string,
  table = '[capabilities]',
): string[] {
  return own
    .filter((name) => !theirs.some((wider) => isNameWithin(name, wider)))
    .map((name) => `${table} ${key} ${sign} ${JSON.stringify(name)}`);
}

function isNameWithin(name: string, wider: string): boolean {
  return name === wider || (wider.endsWith('*') && name.startsWith(wider.slice(0, -1)));
}

/** Agents that get its messages when it fails. */
function failovers({ errors }: Manifest): readonly object[] {
  const steps = Object.values(errors.steps).flat();
  const names = steps.flatMap((step) => (step.kind === 'failover' ? [step.agent] : []));
  return [...new Set(names)].map((failover) => ({ failover }));
}

/** Agents that it can take along, and those whose end it is told of. */
function ties({ supervision: { links, monitors } }: Manifest): readonly object[] {
  return [...links.map((link) => ({ link })), ...monitors.map((monitor) => ({ monitor }))];
}

/** What triggers hear: as good as a subscription. Those that go by the clock only cost what limits bound. */
function heard({ triggers }: Manifest): readonly object[] {
  return triggers.flatMap(({ occasion }) =>
    occasion.kind === 'subject' ? [{ subject: occasion.pattern }] : [],
  );
}

/** The values of texts are no rights, and may be long: a variable is new by its name, a secret by its handle. */
function named(environment: readonly EnvironmentGrant[]): readonly object[] {
  return environment.map((one) =>
    one.kind === 'secret' ? { name: one.name, secret: one.secret } : { name: one.name },
  );
}

function entryLines(
  table: string,
  own: readonly object[],
  theirs: readonly object[],
  sign: string,
): string[] {
  const known = new Set(theirs.map((one) => JSON.stringify(one)));
  return own
    .map((one) => JSON.stringify(one))
    .filter((text) => !known.has(text))
    .map((text) => `${table} ${sign} ${text}`);
}
