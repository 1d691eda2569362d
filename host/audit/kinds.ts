/**
 * What can be on the chain: a closed list. A number is never given to another kind, and fields are only added at
 * the end of theirs: a chain of today is read by the host of tomorrow.
 */
export const kinds = {
  hostStarted: 1,
  hostStopped: 2,
  clockJumped: 3,
  recovered: 4,
  eventsLost: 5,
  lossAccepted: 6,
  threadLost: 7,
  supervised: 8,
  agentInstalled: 10,
  agentUpgraded: 11,
  agentRemoved: 12,
  agentStarted: 13,
  agentStopped: 14,
  agentFailed: 15,
  agentHibernated: 16,
  agentWoken: 17,
  agentResumed: 18,
  agentState: 19,
  invocationStarted: 20,
  invocationEnded: 21,
  installRefused: 23,
  messageSent: 30,
  messageDelivered: 31,
  messageDenied: 32,
  messageDeadLettered: 33,
  decision: 40,
  hostCall: 41,
  toolCall: 42,
  limit: 50,
  trap: 51,
  pressure: 52,
  grantRevoked: 60,
  policyChanged: 61,
  keyRotated: 62,
  keyRevoked: 63,
  tokenCreated: 64,
  tokenRevoked: 65,
  keyringMarked: 66,
  keyringRolledBack: 67,
  approvalAsked: 70,
  approvalGiven: 71,
  approvalTimedOut: 72,
  erased: 80,
  pruned: 81,
  timestamped: 82,
  historyBlock: 90,
} as const;

export type KindName = keyof typeof kinds;
export type Kind = (typeof kinds)[KindName];

/** The fields of each kind, in order, behind those that every event has. */
export const fieldNames = {
  1: ['version', 'runtime', 'threads'],
  2: ['reason'],
  3: ['expectedMs', 'foundMs'],
  // What lay behind the last seal and was never promised to anybody.
  4: ['segment', 'offset', 'cutBytes', 'cutSha256', 'headFound'],
  // Events that came when there was room for nothing more, whose callers were told; or, with a thread, those that it
  // had recorded and that ended with it on their way.
  5: ['count', 'thread'],
  6: ['lastSequence', 'headSequence', 'headBatch', 'headSeal'],
  // One of those that run agents; another takes its place.
  7: ['place', 'reason'],
  // A supervisor did something, or an agent's circuit or health turned: `restarted`, `escalated`, `circuit-open`, `unhealthy`, ….
  8: ['supervisor', 'event', 'reason'],
  10: ['component', 'signedBy', 'manifest'],
  11: ['fromComponent', 'toComponent', 'signedBy', 'manifest'],
  12: ['reason'],
  13: ['instance'],
  14: ['reason'],
  15: ['reason', 'restarts', 'strategy'],
  16: ['stateBytes', 'stateSha256'],
  17: ['stateBytes', 'stateSha256'],
  // A person lets one go on that was held or terminated: what it failed at comes again (`retry`), or not (`drop`).
  18: ['message'],
  // From one state of its life to another; those that other kinds tell of only at level `messages`.
  19: ['from', 'to', 'reason'],
  20: ['invocation', 'export', 'trace', 'fuelMax'],
  21: ['invocation', 'outcome', 'fuel', 'memoryBytes', 'durationNs'],
  // Its component is not of whom it should be, is revoked, or is another than its manifest pins.
  23: ['component', 'reason'],
  // The body only where a policy wants it.
  30: ['message', 'subject', 'receiver', 'bytes', 'sha256', 'body'],
  31: ['message', 'subject', 'sender', 'bytes', 'attempt'],
  32: ['message', 'subject', 'receiver', 'reason'],
  33: ['message', 'subject', 'reason', 'attempts'],
  40: ['action', 'resource', 'decision', 'policies', 'reason', 'conditions'],
  41: ['function', 'outcome', 'sha256', 'detail'],
  42: ['tool', 'outcome', 'argumentsSha256', 'resultSha256', 'durationNs'],
  50: ['limit', 'value', 'max', 'invocation'],
  51: ['trap', 'detail', 'invocation'],
  // The host has little left of something, or enough again; `share` is what is used of it, 0 to 1.
  52: ['resource', 'level', 'share'],
  60: ['grant', 'reason'],
  61: ['version', 'sha256', 'policies'],
  62: ['party', 'publicKey', 'generation'],
  63: ['party', 'publicKey', 'reason'],
  64: ['token', 'rights'],
  65: ['token'],
  // Which version of its keyring the host has: at each start, at each change, and at the beginning of each segment.
  66: ['version', 'mark'],
  // An operator goes on with an older one than the chain knows.
  67: ['version', 'found'],
  70: ['approval', 'action', 'resource', 'timeoutMs', 'kind', 'policies'],
  // `approved`, `refused`, `decided` (by other policies, meanwhile), `lost` (the host ended).
  71: ['approval', 'by', 'verdict', 'reason'],
  72: ['approval'],
  80: ['subject', 'reason'],
  81: ['segments', 'lastSequence', 'lastHash'],
  82: ['batch', 'seal', 'authority', 'token'],
  // What agents were told is in a file beside the chain: this is the word for one block of it.
  90: ['file', 'block', 'sha256', 'records'],
} as const;

/** The text form of each kind: `invocation-ended`. */
export const kindNames: ReadonlyMap<number, string> = new Map(
  Object.entries(kinds).map(([name, number]) => [number, kebab(name)]),
);

/** The number of a kind by its text form; undefined when there is none. */
export function kindOf(name: string): Kind | undefined {
  return kindsByName.get(name);
}

/** How many fields each kind has, by number. */
export const fieldCounts: Uint8Array = Uint8Array.from(
  { length: 91 },
  (_, kind) => (fieldNames as Readonly<Record<number, readonly string[]>>)[kind]?.length ?? 0,
);

const kindsByName: ReadonlyMap<string, Kind> = new Map(
  Object.entries(kinds).map(([name, number]) => [kebab(name), number]),
);

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
