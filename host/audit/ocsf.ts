import type { AuditEvent } from './event.ts';
import { type ExportOptions, jsonFields } from './json.ts';
import { kinds } from './kinds.ts';

/** Classes and categories of the Open Cybersecurity Schema Framework, 1.3. */
const classes = {
  applicationLifecycle: {
    uid: 6002,
    name: 'Application Lifecycle',
    category: 6,
    categoryName: 'Application Activity',
  },
  apiActivity: { uid: 6003, name: 'API Activity', category: 6, categoryName: 'Application Activity' },
  authorization: {
    uid: 3003,
    name: 'Authorize Session',
    category: 3,
    categoryName: 'Identity & Access Management',
  },
  finding: { uid: 2004, name: 'Detection Finding', category: 2, categoryName: 'Findings' },
  base: { uid: 0, name: 'Base Event', category: 0, categoryName: 'Uncategorized' },
} as const;

type ClassName = keyof typeof classes;

/** The class and the activity in it, by kind. */
const mapping: Readonly<Record<number, readonly [ClassName, number]>> = {
  [kinds.agentInstalled]: ['applicationLifecycle', 1],
  [kinds.agentRemoved]: ['applicationLifecycle', 2],
  [kinds.agentStarted]: ['applicationLifecycle', 3],
  [kinds.hostStarted]: ['applicationLifecycle', 3],
  [kinds.agentWoken]: ['applicationLifecycle', 3],
  [kinds.agentResumed]: ['applicationLifecycle', 3],
  [kinds.agentStopped]: ['applicationLifecycle', 4],
  [kinds.hostStopped]: ['applicationLifecycle', 4],
  [kinds.agentHibernated]: ['applicationLifecycle', 4],
  [kinds.agentFailed]: ['applicationLifecycle', 4],
  [kinds.agentUpgraded]: ['applicationLifecycle', 8],
  [kinds.invocationStarted]: ['apiActivity', 99],
  [kinds.invocationEnded]: ['apiActivity', 99],
  [kinds.messageSent]: ['apiActivity', 1],
  [kinds.messageDelivered]: ['apiActivity', 2],
  [kinds.messageDenied]: ['apiActivity', 99],
  [kinds.messageDeadLettered]: ['apiActivity', 99],
  [kinds.hostCall]: ['apiActivity', 99],
  [kinds.toolCall]: ['apiActivity', 99],
  [kinds.decision]: ['authorization', 99],
  [kinds.grantRevoked]: ['authorization', 99],
  [kinds.approvalGiven]: ['authorization', 99],
  [kinds.limit]: ['finding', 1],
  [kinds.trap]: ['finding', 1],
  [kinds.clockJumped]: ['finding', 1],
  [kinds.recovered]: ['finding', 1],
  [kinds.eventsLost]: ['finding', 1],
  [kinds.lossAccepted]: ['finding', 1],
};

const bad: ReadonlySet<number> = new Set([
  kinds.messageDenied,
  kinds.messageDeadLettered,
  kinds.limit,
  kinds.trap,
  kinds.agentFailed,
  kinds.approvalTimedOut,
]);

const grave: ReadonlySet<number> = new Set([kinds.lossAccepted, kinds.eventsLost, kinds.keyRevoked]);

/** As OCSF grades: 1 informational, 3 medium, 4 high. */
export function severityOf({ kind }: AuditEvent): 1 | 3 | 4 {
  if (grave.has(kind)) return 4;
  return bad.has(kind) || kind === kinds.recovered || kind === kinds.clockJumped ? 3 : 1;
}

const severityNames = { 1: 'Informational', 3: 'Medium', 4: 'High' } as const;
const failing: ReadonlySet<unknown> = new Set(['deny', 'denied', 'error', 'trap', 'limit', 'cancelled']);

function isFailure(event: AuditEvent): boolean {
  return bad.has(event.kind) || event.fields.some((field) => failing.has(field));
}

/** One event as an OCSF object. */
export function ocsfEvent(event: AuditEvent, options: ExportOptions): Record<string, unknown> {
  const [className, activity] = mapping[event.kind] ?? (['base', 99] as const);
  const { uid, name, category, categoryName } = classes[className];
  const severity = severityOf(event);
  const isFailed = isFailure(event);
  return {
    category_uid: category,
    category_name: categoryName,
    class_uid: uid,
    class_name: name,
    activity_id: activity,
    activity_name: event.name,
    type_uid: uid * 100 + activity,
    time: event.timeMs,
    severity_id: severity,
    severity: severityNames[severity],
    status_id: isFailed ? 2 : 1,
    status: isFailed ? 'Failure' : 'Success',
    message: event.name,
    metadata: {
      version: '1.3.0',
      product: { name: 'Motehost', vendor_name: 'Motehost', version: options.version },
      uid: String(event.sequence),
      sequence: event.sequence,
      log_name: 'audit',
    },
    device: { hostname: options.hostName, type_id: 0 },
    ...(event.agent === null ? {} : { app: { name: event.agent }, api: { operation: event.name } }),
    ...(event.principal === null ? {} : { actor: { user: { name: event.principal } } }),
    unmapped: jsonFields(event, options.personal),
  };
}
