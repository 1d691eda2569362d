import { nearest } from '../nearest.ts';

/** What an allowed action is bound to; whoever carries the action out holds it to this, or refuses it. */
export type Condition =
  /** At most so many bytes of payload. */
  | { readonly kind: 'max-bytes'; readonly bytes: number }
  /** At most `count` times in any `perMs`, counted for each principal, action and resource. */
  | { readonly kind: 'rate'; readonly count: number; readonly perMs: number }
  /** The field of the payload is taken out: `card.number`. */
  | { readonly kind: 'redact'; readonly field: string }
  /** Allowed before this time only, in milliseconds since the epoch. The decider itself keeps it. */
  | { readonly kind: 'until'; readonly untilMs: number }
  /** The payload is sealed for the receiver. */
  | { readonly kind: 'seal' }
  /** The message is signed by its sender. */
  | { readonly kind: 'sign' }
  | { readonly kind: 'max-fuel'; readonly fuel: number }
  | { readonly kind: 'max-memory'; readonly bytes: number }
  | { readonly kind: 'deadline'; readonly ms: number }
  /** The tier has at least this rank. */
  | { readonly kind: 'tier'; readonly name: string }
  | { readonly kind: 'read-only' };

export type ConditionKind = Condition['kind'];

const conditionsMax = 32;
const byteUnits: Readonly<Record<string, number>> = { '': 1, B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };
const timeUnits: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const countUnits: Readonly<Record<string, number>> = { '': 1, k: 1e3, M: 1e6, G: 1e9 };
const tierNames = ['wasm', 'docker', 'gvisor'];

/** How each kind is read, and an example of it. */
const readers: Readonly<Record<ConditionKind, readonly [string, (text: string) => Condition | undefined]>> = {
  'max-bytes': [
    'max-bytes 64 KiB',
    (text) => sized(text, byteUnits, (bytes) => ({ kind: 'max-bytes', bytes })),
  ],
  rate: ['rate 10/s', rateOf],
  redact: [
    'redact card.number',
    (text) => (/^[\w-]+(\.[\w-]+)*$/.test(text) ? { kind: 'redact', field: text } : undefined),
  ],
  until: ['until 2026-12-31T18:00:00Z', untilOf],
  seal: ['seal', (text) => bare(text, { kind: 'seal' })],
  sign: ['sign', (text) => bare(text, { kind: 'sign' })],
  'max-fuel': ['max-fuel 10M', (text) => sized(text, countUnits, (fuel) => ({ kind: 'max-fuel', fuel }))],
  'max-memory': [
    'max-memory 64 MiB',
    (text) => sized(text, byteUnits, (bytes) => ({ kind: 'max-memory', bytes })),
  ],
  deadline: ['deadline 500 ms', (text) => sized(text, timeUnits, (ms) => ({ kind: 'deadline', ms }))],
  tier: ['tier gvisor', (text) => (tierNames.includes(text) ? { kind: 'tier', name: text } : undefined)],
  'read-only': ['read-only', (text) => bare(text, { kind: 'read-only' })],
};

export const conditionKinds: readonly ConditionKind[] = Object.keys(readers) as ConditionKind[];

/** Reads `max-bytes 1024; rate 10/s`. A text is what is wrong with the first that is no condition. */
export function parseConditions(text: string): readonly Condition[] | string {
  const parts = text
    .split(/[;\n]/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
  if (parts.length === 0) return 'no condition in it';
  if (parts.length > conditionsMax) return `more than ${conditionsMax} conditions`;
  const read: Condition[] = [];
  for (const part of parts) {
    const condition = conditionOf(part);
    if (typeof condition === 'string') return condition;
    read.push(condition);
  }
  return strictest(read);
}

function conditionOf(text: string): Condition | string {
  const [word = '', ...rest] = text.split(/\s+/);
  if (!Object.hasOwn(readers, word))
    return `unknown condition '${word}'${nearest(word, conditionKinds)}; there are ${conditionKinds.join(', ')}`;
  const [example, read] = readers[word as ConditionKind];
  return read(rest.join(' ')) ?? `'${text}' is no condition; write for example '${example}'`;
}

function bare(text: string, condition: Condition): Condition | undefined {
  return text === '' ? condition : undefined;
}

function sized(
  text: string,
  units: Readonly<Record<string, number>>,
  make: (value: number) => Condition,
): Condition | undefined {
  const match = /^(\d{1,15})\s*([A-Za-z]*)$/.exec(text);
  const unit = match?.[2] ?? '';
  if (match === null || !Object.hasOwn(units, unit)) return undefined;
  const value = Number(match[1]) * (units[unit] ?? 0);
  return Number.isSafeInteger(value) ? make(value) : undefined;
}

function rateOf(text: string): Condition | undefined {
  const match = /^(\d{1,9})\s*\/\s*(s|min|h|d)$/.exec(text);
  return match === null
    ? undefined
    : { kind: 'rate', count: Number(match[1]), perMs: timeUnits[match[2] ?? ''] ?? 0 };
}

/** With its zone, for a time without one would be another on each machine; a day without a time ends as it begins. */
function untilOf(text: string): Condition | undefined {
  if (!/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d))?$/.test(text)) return undefined;
  const untilMs = Date.parse(text);
  return Number.isNaN(untilMs) ? undefined : { kind: 'until', untilMs };
}

/** All conditions together, of those that bound the same thing only the tightest. */
export function strictest(conditions: readonly Condition[]): readonly Condition[] {
  const kept = new Map<string, Condition>();
  for (const condition of conditions) {
    const key = keyOf(condition);
    const other = kept.get(key);
    if (other === undefined || boundOf(condition) < boundOf(other)) kept.set(key, condition);
  }
  return [...kept.values()];
}

/** Rates over different times bound each other in no way, and every redacted field is its own. */
function keyOf(condition: Condition): string {
  if (condition.kind === 'redact') return `redact ${condition.field}`;
  return condition.kind === 'rate' ? `rate ${condition.perMs}` : condition.kind;
}

function boundOf(condition: Condition): number {
  switch (condition.kind) {
    case 'max-bytes':
    case 'max-memory':
      return condition.bytes;
    case 'rate':
      return condition.count;
    case 'until':
      return condition.untilMs;
    case 'max-fuel':
      return condition.fuel;
    case 'deadline':
      return condition.ms;
    case 'tier':
      return -tierNames.indexOf(condition.name);
    default:
      return 0;
  }
}

/** As `parseConditions` reads it. */
export function conditionText(condition: Condition): string {
  switch (condition.kind) {
    case 'max-bytes':
    case 'max-memory':
      return `${condition.kind} ${condition.bytes}`;
    case 'rate':
      return `rate ${condition.count}/${unitOf(condition.perMs)}`;
    case 'redact':
      return `redact ${condition.field}`;
    case 'until':
      return `until ${new Date(condition.untilMs).toISOString().replace('.000Z', 'Z')}`;
    case 'max-fuel':
      return `max-fuel ${condition.fuel}`;
    case 'deadline':
      return `deadline ${condition.ms} ms`;
    case 'tier':
      return `tier ${condition.name}`;
    default:
      return condition.kind;
  }
}

function unitOf(perMs: number): string {
  return Object.keys(timeUnits).find((unit) => timeUnits[unit] === perMs) ?? 's';
}
