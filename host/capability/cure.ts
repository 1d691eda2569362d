import type { Grants } from '../manifest.ts';
import { patternFault, reservedToken, subjectFault } from '../subject.ts';

/** What was denied. */
export type CureKind =
  | 'send'
  | 'publish'
  | 'subscribe'
  | 'priority'
  | 'http'
  | 'net'
  | 'file'
  | 'secret'
  | 'context'
  | 'tool'
  | 'spawn'
  | 'channels'
  | 'leases'
  | 'groups'
  | 'spawnFrom'
  | 'links'
  | 'monitors';

/** A line for a manifest; or why none would do, and `isFault`. */
export interface GrantLine {
  readonly text: string;
  readonly isFault: boolean;
}

const targetCharsMax = 512;
/** Entries of a list that are shown with the new one; a longer one is only added to. */
const shownMax = 4;

/**
 * The line of `agent.toml` that would allow `target`, beside what is granted. Targets: a subject, a pattern,
 * `GET https://example.com:443/path`, `example.com:5432`, a folder as the agent names it, a handle, a name.
 */
export function grantLine(kind: CureKind, target: string, grants: Grants): GrantLine {
  const shown = target.length > targetCharsMax ? `${target.slice(0, targetCharsMax)}…` : target;
  const fault = faultOf(kind, target, grants);
  if (fault !== undefined) return { text: `${quoted(shown)}: ${fault}`, isFault: true };
  return { text: lineOf(kind, shown, grants), isFault: false };
}

/** Why no grant could allow it. */
function faultOf(kind: CureKind, target: string, { files }: Grants): string | undefined {
  if (kind === 'file' && files.some(({ guest, path }) => guest === target && path === '.'))
    return 'it may only be read, for the manifest lies there; a folder in it can be granted with mode = "read-write"';
  if (kind !== 'send' && kind !== 'publish' && kind !== 'subscribe') return undefined;
  const fault = kind === 'subscribe' ? patternFault(target) : subjectFault(target);
  if (fault !== undefined) return `no ${kind === 'subscribe' ? 'pattern' : 'subject'}: ${fault}`;
  const reserved = reservedToken(target);
  if (kind === 'publish' && reserved !== undefined)
    return `nobody publishes to what begins with '${reserved}'${reserved === 'agent' ? "; 'send' is for agents" : ''}`;
  if (kind === 'send' && (reserved === 'host' || reserved === '_inbox'))
    return `what begins with '${reserved}' takes no messages`;
  return kind === 'subscribe' && (reserved === 'agent' || reserved === '_inbox')
    ? `what begins with '${reserved}' is for its owner alone`
    : undefined;
}

function lineOf(kind: CureKind, target: string, grants: Grants): string {
  switch (kind) {
    case 'send':
    case 'publish':
    case 'subscribe':
      return `[capabilities.bus] ${listed(kind, grants.bus[kind], target)}`;
    case 'priority':
      return `[capabilities.bus] priority = ${quoted(target)}`;
    case 'tool':
      return `[capabilities] ${listed('tools', grants.tools, target)}`;
    case 'spawn':
      return `[capabilities] ${listed('spawn', grants.spawn, target)}`;
    case 'channels':
    case 'leases':
    case 'groups':
    case 'links':
    case 'monitors':
      return `[capabilities.orchestration] ${listed(kind, grants.orchestration[kind], target)}`;
    case 'spawnFrom':
      return `[capabilities.orchestration] ${listed('spawn-from', grants.orchestration.spawnFrom, target)}`;
    case 'context':
      return '[capabilities] context = true';
    case 'http':
      return httpLine(target);
    case 'net':
      return netLine(target);
    case 'file':
      return fileLine(target, grants);
    case 'secret':
      return `[environment] NAME = { secret = ${quoted(target)} }`;
  }
}

function listed(key: string, before: readonly string[], added: string): string {
  if (before.includes(added)) return `${key} has ${quoted(added)}, which was taken back or not handed on`;
  if (before.length > shownMax) return `${key} += ${quoted(added)}`;
  return `${key} = [${[...before, added].map(quoted).join(', ')}]`;
}

const targetPattern = /^(?:(\S+) )?(https?):\/\/(\[[^\]]*\]|[^/:?]*)(?::(\d+))?([^?]*)/i;

function httpLine(target: string): string {
  const [, method, scheme = 'https', host = '', port, path = ''] = targetPattern.exec(target) ?? [];
  const parts = [`host = ${quoted(host === '' ? target : host)}`];
  if (scheme.toLowerCase() === 'http') parts.push('scheme = "http"');
  if (port !== undefined) parts.push(`port = ${port}`);
  if (method !== undefined) parts.push(`methods = [${quoted(method)}]`);
  if (path !== '' && path !== '/') parts.push(`path = ${quoted(path)}`);
  return `[[capabilities.http]] ${parts.join(', ')}`;
}

/** A folder that is granted can only have been one to read. */
function fileLine(target: string, { files }: Grants): string {
  const granted = files.find(({ guest }) => guest === target);
  const path = granted?.path ?? target.replace(/^\/+/, '');
  const mode = granted === undefined ? '' : ', mode = "read-write"';
  return `[[capabilities.files]] path = ${quoted(path)}, guest = ${quoted(target)}${mode}`;
}

function netLine(target: string): string {
  const colon = target.lastIndexOf(':');
  const host = target.slice(0, colon).replace(/^\[|\]$/g, '');
  const port = target.slice(colon + 1);
  return `[[capabilities.net]] host = ${quoted(host)}, port = ${port === '*' ? '"*"' : port}`;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
