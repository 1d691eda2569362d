import { join } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { limitKeys, limitsOfTable } from './config.ts';
import { HostError } from './errors.ts';
import type { Limits } from './limits.ts';
import { type AuditRules, auditOf } from './manifest/audit.ts';
import { settingsOf } from './manifest/environment.ts';
import { type ErrorRules, errorsOf } from './manifest/error-rules.ts';
import { type Execution, executionOf, requireNothingKept } from './manifest/execution.ts';
import { type Grants, grantsOf } from './manifest/grants.ts';
import { type Hooks, hooksOf } from './manifest/hooks.ts';
import { isPlainPath } from './manifest/http-grant.ts';
import { type Labels, labelsOf } from './manifest/labels.ts';
import {
  type DeliveryRules,
  deliveryOf,
  type Hibernate,
  type History,
  hibernateOf,
  historyOf,
  type MailboxLimits,
  mailboxOf,
  type Rates,
  rateKeys,
  ratesOf,
} from './manifest/life.ts';
import { type MessageRules, messagesOf } from './manifest/messages.ts';
import { isAgentName } from './manifest/name.ts';
import { type Resources, resourcesOf } from './manifest/resources.ts';
import { type Restart, restartOf } from './manifest/restart.ts';
import { type Scheduling, schedulingOf } from './manifest/scheduling.ts';
import { type SharingLimits, sharingKeys, sharingOf } from './manifest/sharing.ts';
import { type Sources, sourceKeys, sourcesOf } from './manifest/sources.ts';
import { type Subscription, subscriptionsOf } from './manifest/subscriptions.ts';
import { type Supervision, supervisionOf } from './manifest/supervision.ts';
import { type SupervisorTree, supervisorsOf } from './manifest/supervisors.ts';
import { Table } from './manifest/table.ts';
import { type Trigger, triggersOf } from './manifest/triggers.ts';
import { readRegularFile } from './regular-file.ts';
import { matches } from './subject.ts';
import { systemFault } from './system-fault.ts';

export type { AgentAuditLevel, AuditRules } from './manifest/audit.ts';
export { cronTimes } from './manifest/cron.ts';
export type { EnvironmentGrant } from './manifest/environment.ts';
export {
  defaultErrors,
  type ErrorRules,
  type ErrorStep,
  type FailureKind,
  failureKinds,
} from './manifest/error-rules.ts';
export { defaultExecution, type Execution, type ExecutionMode } from './manifest/execution.ts';
export {
  type BusGrants,
  type FileGrant,
  type Grants,
  isSharedName,
  noGrants,
  type OrchestrationGrants,
  type SocketGrant,
} from './manifest/grants.ts';
export { type HookName, type Hooks, hookNames } from './manifest/hooks.ts';
export type { HttpGrant, Scheme } from './manifest/http-grant.ts';
export type { Labels } from './manifest/labels.ts';
export {
  type DeliveryRules,
  defaultDelivery,
  defaultHibernate,
  defaultMailbox,
  defaultRates,
  type Hibernate,
  type History,
  type MailboxLimits,
  type Rates,
} from './manifest/life.ts';
export { defaultMessages, type MessageRules } from './manifest/messages.ts';
export { isAgentName } from './manifest/name.ts';
export type { Resources, ViolationAction } from './manifest/resources.ts';
export { defaultRestart, type Restart } from './manifest/restart.ts';
export { defaultScheduling, type Scheduling } from './manifest/scheduling.ts';
export { languageNames } from './manifest/sources.ts';
export type { Subscription } from './manifest/subscriptions.ts';
export {
  type Circuit,
  defaultSupervision,
  type HealthProbe,
  type Supervision,
} from './manifest/supervision.ts';
export {
  agentsOf,
  type SupervisorStrategy,
  type SupervisorTree,
} from './manifest/supervisors.ts';
export type { Misfire, Occasion, Trigger } from './manifest/triggers.ts';

export type Tier = 'wasm' | 'docker' | 'gvisor';

/** What an agent says of itself and asks for: the content of its `agent.toml`. Every default is filled in. */
export interface Manifest extends Sources {
  /** Lower-case letters, digits and dashes, beginning with a letter; at most 63 characters. */
  readonly name: string;
  /** What isolates it. */
  readonly tier: Tier;
  /** What its code reads as `config.settings`, in the order of the file. */
  readonly settings: readonly (readonly [name: string, value: string])[];
  /** What an invocation asks to be limited to; limits narrow and never widen. */
  readonly limits: Partial<Limits>;
  readonly rates: Rates;
  readonly sharing: SharingLimits;
  readonly mailbox: MailboxLimits;
  readonly restart: Restart;
  readonly supervision: Supervision;
  /** When it has an instance, and for how long. */
  readonly execution: Execution;
  /** Where moments of its life are published. */
  readonly hooks: Hooks;
  readonly hibernate: Hibernate;
  readonly history: History;
  readonly delivery: DeliveryRules;
  readonly messages: MessageRules;
  /** `sha256:…`: its component must be exactly this one; undefined: any. */
  readonly digest: string | undefined;
  readonly errors: ErrorRules;
  readonly grants: Grants;
  readonly labels: Labels;
  /** What the host subscribes it to; being in the manifest grants them. */
  readonly subscriptions: readonly Subscription[];
  /** Requests under this path are for its `wasi:http/incoming-handler`: `/shop`; `/` for all that nobody else has. */
  readonly route: string | undefined;
  readonly triggers: readonly Trigger[];
  /** What is put on the audit chain of it at least. */
  readonly audit: AuditRules;
  /** What it may use in the long run. */
  readonly resources: Resources;
  readonly scheduling: Scheduling;
}

/** The manifest's file name in an agent's folder. */
export const manifestFile = 'agent.toml';

const manifestBytesMax = 1024 * 1024;

/**
 * Reads `agent.toml` in an agent's folder.
 * @throws HostError `HOST_ERR_FILE_NOT_FOUND` without one; `HOST_ERR_CONFIG_INVALID` or
 * `HOST_ERR_LIMIT_INVALID` naming the file and the key for a wrong one
 */
export function readManifest(folder: string): Manifest {
  const path = join(folder, manifestFile);
  let text: string;
  try {
    text = readRegularFile(path)
      .toString('utf8')
      .replace(/^\uFEFF/, '');
  } catch (cause) {
    throw new HostError(
      'HOST_ERR_FILE_NOT_FOUND',
      `cannot read ${path}: ${systemFault(cause)}; host new NAME makes a folder that has one`,
      { path },
      cause,
    );
  }
  return parseManifest(text, path);
}

/**
 * Reads a manifest's text.
 * @param path what errors call it
 * @param comesReady its component comes along and tells its world itself
 * @throws HostError as `readManifest`
 */
export function parseManifest(text: string, path: string, comesReady = false): Manifest {
  const table = new Table(parseTable(text, path), path).only(keys);
  const name = nameOf(table);
  const grants = grantsOf(table);
  const triggers = triggersOf(table);
  const execution = executionOf(
    table,
    triggers.some(({ occasion }) => occasion.kind !== 'subject'),
  );
  const limits = table
    .table('limits')
    .only([...Object.keys(limitKeys), ...rateKeys, ...sharingKeys], 'limit');
  const [errors, history, restart] = [errorsOf(table, name), historyOf(table), restartOf(table)];
  const [delivery, route] = [deliveryOf(table), routeOf(table)];
  if (execution.mode === 'parallel')
    requireNothingKept(table, {
      isSaved: errors.state === 'saved',
      isRecorded: history.record,
      restart: restart.policy,
      hasRoute: route !== undefined,
      guarantee: delivery.guarantee,
    });
  return {
    name,
    ...sourcesOf(table, comesReady),
    tier: tierOf(table),
    settings: settingsOf(table),
    limits: limitsOf(limits),
    rates: ratesOf(limits),
    sharing: sharingOf(limits),
    mailbox: mailboxOf(table),
    restart,
    supervision: supervisionOf(table, name),
    execution,
    hooks: hooksOf(table, (subject) => grants.bus.publish.some((pattern) => matches(pattern, subject))),
    hibernate: hibernateOf(table, execution.mode === 'persistent'),
    history,
    delivery,
    messages: messagesOf(table),
    digest: digestOf(table),
    errors,
    grants,
    labels: labelsOf(table),
    subscriptions: subscriptionsOf(table),
    route,
    triggers,
    audit: auditOf(table),
    resources: resourcesOf(table),
    scheduling: schedulingOf(table),
  };
}

/** The file of supervision trees, beside the folders of the agents. */
export const supervisorsFile = 'supervisors.toml';

/** Reads the text of a `supervisors.toml`: its trees. @throws HostError `HOST_ERR_CONFIG_INVALID`, `HOST_ERR_LIMIT_INVALID` */
export function parseSupervisors(text: string, path: string): readonly SupervisorTree[] {
  return supervisorsOf(new Table(parseTable(text, path), path).only(['supervisors']));
}

const keys: readonly string[] = [
  'name',
  ...sourceKeys,
  'tier',
  'settings',
  'limits',
  'mailbox',
  'restart',
  'supervision',
  'execution',
  'hooks',
  'hibernate',
  'history',
  'delivery',
  'messages',
  'digest',
  'errors',
  'capabilities',
  'labels',
  'environment',
  'subscriptions',
  'http',
  'triggers',
  'audit',
  'resources',
  'scheduling',
];

function nameOf(table: Table): string {
  const value = table.value('name');
  if (typeof value === 'string' && isAgentName(value)) return value;
  throw table.wrong(
    'name',
    'lower-case letters, digits and dashes, beginning with a letter, such as name = "price-watch"',
  );
}

function digestOf(table: Table): string | undefined {
  const value = table.value('digest');
  if (value === undefined) return undefined;
  if (typeof value === 'string' && /^sha256:[0-9a-f]{64}$/.test(value)) return value;
  throw table.wrong('digest', 'sha256: and 64 hexadecimal digits in lower case, as host sign says it');
}

/** @throws HostError `HOST_ERR_TIER_UNAVAILABLE`: an agent that asks for more isolation never runs with less */
function tierOf(table: Table): Tier {
  const tier = table.choice('tier', ['wasm', 'docker', 'gvisor'], 'wasm');
  if (tier === 'wasm') return tier;
  throw new HostError(
    'HOST_ERR_TIER_UNAVAILABLE',
    `${table.path}: tier '${tier}' is not in this host yet; tier = "wasm" is`,
    { path: table.path, tier },
  );
}

function limitsOf(table: Table): Partial<Limits> {
  const own = Array.from(table.entries()).filter(
    ([key]) => !rateKeys.includes(key) && !sharingKeys.includes(key),
  );
  return limitsOfTable(Object.fromEntries(own), table.path);
}

/** What the host answers itself, and all below: an agent there would never be asked, or be taken for the host. */
const hostsPaths = /^\/(v1|healthz|readyz|metrics|openapi\.json)(\/|$)/;

function routeOf(manifest: Table): string | undefined {
  const table = manifest.table('http').only(['route']);
  const route = table.text('route');
  if (route !== undefined && hostsPaths.test(route))
    throw table.wrong('route', `a path of its own: '${route}' is the host's`);
  if (route === undefined || route === '/' || (isPlainPath(route) && !route.endsWith('/'))) return route;
  throw table.wrong('route', 'a path without a slash at its end, such as "/shop"');
}

function parseTable(text: string, path: string): Record<string, unknown> {
  if (text.length > manifestBytesMax) throw invalid(path, '', `larger than ${manifestBytesMax} bytes`);
  try {
    return parse(text);
  } catch (cause) {
    throw invalid(tomlPlace(path, cause), '', tomlReason(cause), cause);
  }
}

/** `agent.toml:2:9`, where the parser knows the place. */
function tomlPlace(path: string, cause: unknown): string {
  return cause instanceof TomlError ? `${path}:${cause.line}:${cause.column}` : path;
}

function tomlReason(cause: unknown): string {
  const [reason = ''] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
  const isValue = reason.endsWith('invalid value');
  return isValue ? `${reason} (texts stand in quotes: world = "handler")` : reason;
}

function invalid(path: string, key: string, why: string, cause?: unknown): HostError {
  return new HostError('HOST_ERR_CONFIG_INVALID', `${path}: ${why}`, { path, key }, cause);
}
