import { HostError } from '../errors.ts';
import { hostName } from '../manifest/host-name.ts';
import { nearest } from '../nearest.ts';
import { hasWildcard, isWithin, patternFault, reservedToken } from '../subject.ts';
import { type EntityKind, entityKinds } from './vocabulary.ts';

/** One thing that a policy can speak of, by its name. */
export interface EntityRef {
  readonly kind: EntityKind;
  /** At most 1,024 characters; what they mean depends on the kind (`host policy schema`). */
  readonly id: string;
}

/** A value of an entity's attribute. */
export type AttributeValue = string | number | boolean | readonly string[];

/** What is known of an entity beyond its name. */
export interface KnownEntity extends EntityRef {
  /** Groups it is in; only agents, principals and groups have some. */
  readonly groups: readonly string[];
  /** Of the schema's attributes those that differ from what a name alone gives. */
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

export const idCharsMax = 1024;

/** Why a name is none of its kind; undefined for one that is. */
export function entityFault({ kind, id }: EntityRef): string | undefined {
  if (id === '' || id.length > idCharsMax) return `a name has 1 to ${idCharsMax} characters`;
  if (!id.isWellFormed() || /\p{Cc}/u.test(id)) return 'a name has no control characters';
  if (kind === 'Subject') return patternFault(id) ?? mailboxFault(id);
  if (kind === 'Data') return dataFault(id);
  return kind === 'Host' && hostAndPort(id) === undefined
    ? 'it is no host: "api.example.com:443", "[::1]:80"'
    : undefined;
}

/** A mailbox has two names on the bus; were it two things here, a rule for one would leave the other open. */
function mailboxFault(id: string): string | undefined {
  return reservedToken(id) === 'agent'
    ? `'${id}' is an agent's mailbox: Motehost::Agent::"${id.slice('agent.'.length)}"`
    : undefined;
}

/** Two names of one file would be two things to a policy. */
function dataFault(id: string): string | undefined {
  const colon = id.indexOf(':');
  if (!/^[a-z]+:/.test(id)) return 'data begins with what it is: "file:/srv/in", "context:notes"';
  const steps = id.slice(colon + 1).split('/');
  return steps.some(
    (step, at) => step === '.' || step === '..' || (step === '' && at > 0 && at < steps.length - 1),
  )
    ? 'a path has no empty steps, "." or ".."'
    : undefined;
}

/** A host as the schema has it; undefined for a text that is none, or not in the one form hosts are compared in. */
export function hostAndPort(id: string): { readonly name: string; readonly port: number } | undefined {
  const [, address, plain, port = '0'] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(id) ?? [];
  const text = address ?? plain ?? '';
  const name = hostName(text);
  const isOneForm = name === text && name.includes(':') === (address !== undefined);
  return isOneForm && Number(port) <= portMax ? { name, port: Number(port) } : undefined;
}

const portMax = 65_535;

/**
 * What an entity is in by its name alone: subjects in those of the `patterns` that hold them, hosts in domains, data
 * in folders.
 */
export function namedParents({ kind, id }: EntityRef, patterns: readonly string[]): readonly string[] {
  if (kind === 'Subject') return patterns.filter((pattern) => pattern !== id && isWithin(id, pattern));
  if (kind === 'Data') return foldersOf(id);
  return kind === 'Host' ? domainsOf(id) : none;
}

const none: readonly string[] = [];

/** With its slash at the end and without: a rule for `file:/srv` is meant for all that is in it. */
function foldersOf(id: string): string[] {
  const start = id.indexOf(':') + 1;
  const found = [id.slice(0, start)];
  for (let at = id.indexOf('/', start); at !== -1; at = id.indexOf('/', at + 1))
    found.push(id.slice(0, at), id.slice(0, at + 1));
  return [...new Set(found)].filter((folder) => folder !== id);
}

function domainsOf(id: string): string[] {
  const host = hostAndPort(id);
  if (host === undefined) return [];
  const name = host.name.includes(':') ? `[${host.name}]` : host.name;
  const found = name === id ? [] : [name];
  if (/^[\d.]+$|:/.test(host.name)) return found;
  const labels = host.name.split('.');
  for (let at = 1; at < labels.length; at += 1) found.push(`*.${labels.slice(at).join('.')}`);
  return found;
}

const ranksOfTiers: Readonly<Record<string, number>> = { wasm: 1, docker: 2, gvisor: 3 };

/** Every attribute that the schema gives the kind, as far as the name says it. */
export function namedAttributes({ kind, id }: EntityRef): Readonly<Record<string, AttributeValue>> {
  switch (kind) {
    case 'Agent':
      return { name: id, holds: none, carries: none };
    case 'Subject':
      return { name: id, hasWildcard: hasWildcard(id) };
    case 'Tool':
      return { name: id, server: id.includes('/') ? id.slice(0, id.indexOf('/')) : '' };
    case 'Host':
      return hostAndPort(id) ?? { name: id, port: 0 };
    case 'Data':
      return { path: id.slice(id.indexOf(':') + 1), labels: none };
    case 'Tier':
      return { name: id, rank: Object.hasOwn(ranksOfTiers, id) ? (ranksOfTiers[id] ?? 0) : 0 };
    case 'Component':
      return { digest: id, isSigned: false, signer: '', imports: none };
    case 'Group':
      return {};
    default:
      return { name: id };
  }
}

/** Reads `agent:shop`, `subject:orders.>`. @throws HostError `HOST_ERR_POLICY_INVALID` naming `source` */
export function parseEntity(text: string, source: string): EntityRef {
  const colon = text.indexOf(':');
  const word = text.slice(0, Math.max(colon, 0));
  const kind = entityKinds.find((one) => one.toLowerCase() === word);
  if (kind === undefined) {
    const words = entityKinds.map((one) => one.toLowerCase());
    throw invalid(
      source,
      `'${text}' is no entity${nearest(word, words)}; write KIND:NAME, KIND one of ${words.join(', ')}`,
    );
  }
  const entity = { kind, id: text.slice(colon + 1) };
  const fault = entityFault(entity);
  if (fault !== undefined) throw invalid(source, `'${text}': ${fault}`);
  return entity;
}

/** `agent:shop`: as `parseEntity` reads it. */
export function entityText({ kind, id }: EntityRef): string {
  return `${kind.toLowerCase()}:${id}`;
}

function invalid(source: string, why: string): HostError {
  return new HostError('HOST_ERR_POLICY_INVALID', `${source}: ${why}`, { source });
}
