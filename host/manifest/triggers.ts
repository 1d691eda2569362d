import { cronTimes } from './cron.ts';
import { isAgentName } from './name.ts';
import { pauseMsMax } from './pauses.ts';
import { subscribableFault } from './subscriptions.ts';
import type { Table } from './table.ts';

/** What sets a trigger off. */
export type Occasion =
  /** Kept as written, and known to be times. `zone` is an IANA name; undefined: UTC. */
  | { readonly kind: 'cron'; readonly cron: string; readonly zone: string | undefined }
  | { readonly kind: 'every'; readonly everyMs: number }
  /** Once, milliseconds since the Unix epoch. */
  | { readonly kind: 'at'; readonly atMs: number }
  | { readonly kind: 'subject'; readonly pattern: string };

/** They are passed over; the latest is made up for; each is, up to a bound. */
export type Misfire = 'skip' | 'once' | 'all';

/** A message that the host sends to an agent by itself. */
export interface Trigger {
  /** Unique in its manifest; the message's subject is `trigger.NAME`. */
  readonly name: string;
  readonly occasion: Occasion;
  /** What is done about times that passed while the host was down, asleep or late. */
  readonly misfire: Misfire;
  /** Each time is put off by up to so many milliseconds, at random. */
  readonly jitterMs: number;
  /** What the message carries; undefined: nothing, or for a subject what was published. */
  readonly body: string | undefined;
}

const triggersMax = 64;
const everyBounds = { min: 10, max: pauseMsMax };
const cronCharsMax = 128;
const cronPattern = /^(@[a-z]+|[0-9A-Za-z*,/?#+-]+([ \t]+[0-9A-Za-z*,/?#+-]+){4,6})$/;
const zonePattern = /^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+){0,2}$/;
const occasionKeys = ['cron', 'every', 'at', 'subject'] as const;
const jitterBounds = { min: 0, max: pauseMsMax };
/** A date and a time of day with the difference from UTC. */
const momentPattern = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,3})?)?([Zz]|[+-]\d\d:\d\d)$/;

/** Reads every `[[triggers]]`. @throws HostError `HOST_ERR_CONFIG_INVALID`, `HOST_ERR_LIMIT_INVALID` */
export function triggersOf(manifest: Table): readonly Trigger[] {
  const tables = manifest.tables('triggers');
  if (tables.length > triggersMax) throw manifest.wrong('triggers', `at most ${triggersMax}`);
  const names = new Set<string>();
  return tables.map((table, index) => {
    const trigger = triggerOf(table, index + 1);
    if (names.has(trigger.name))
      throw table.wrong('name', `another: '${trigger.name}' is the name of a trigger above`);
    names.add(trigger.name);
    return trigger;
  });
}

function triggerOf(table: Table, place: number): Trigger {
  table.only([...occasionKeys, 'zone', 'body', 'name', 'misfire', 'jitter']);
  const occasion = occasionOf(table);
  const name = table.text('name') ?? `${occasion.kind}-${place}`;
  if (!isAgentName(name))
    throw table.wrong('name', 'lower-case letters, digits and dashes, beginning with a letter');
  if (occasion.kind === 'cron') cronTimes(occasion.cron, occasion.zone, `${table.path}: trigger '${name}'`);
  return { name, occasion, ...timingOf(table, occasion), body: table.text('body') };
}

function timingOf(table: Table, occasion: Occasion): Pick<Trigger, 'misfire' | 'jitterMs'> {
  for (const key of ['misfire', 'jitter'])
    if (occasion.kind === 'subject' && table.has(key)) throw table.fault(key, `${key} belongs to times`);
  const misfire = table.choice('misfire', ['skip', 'once', 'all'], 'once');
  const jitterMs = table.quantity('jitter', 'ms', jitterBounds, 0);
  if (occasion.kind === 'every' && jitterMs > occasion.everyMs)
    throw table.wrong('jitter', 'no longer than the interval, or times would come in another order');
  return { misfire, jitterMs };
}

function occasionOf(table: Table): Occasion {
  const [key, second] = occasionKeys.filter((one) => table.has(one));
  if (key === undefined || second !== undefined)
    throw table.fault(key ?? '', `a trigger has one of: ${occasionKeys.join(', ')}`);
  if (table.has('zone') && key !== 'cron') throw table.fault('zone', 'zone belongs to cron');
  if (key === 'cron') return { kind: 'cron', cron: cronOf(table), zone: zoneOf(table) };
  if (key === 'every')
    return { kind: 'every', everyMs: table.quantity('every', 'ms', everyBounds, everyBounds.max) };
  if (key === 'at') return { kind: 'at', atMs: momentOf(table) };
  const pattern = table.text('subject') ?? '';
  const fault = subscribableFault(pattern);
  if (fault !== undefined) throw table.wrong('subject', `a pattern of subjects: ${fault}`);
  return { kind: 'subject', pattern };
}

function cronOf(table: Table): string {
  const cron = table.text('cron')?.trim() ?? '';
  if (cron.length <= cronCharsMax && cronPattern.test(cron)) return cron;
  throw table.wrong('cron', 'five fields (minute, hour, day, month, weekday), such as "0 8 * * *"');
}

/** As TOML has it, or as a text. */
function momentOf(table: Table): number {
  const value = table.value('at');
  const text = value instanceof Date ? value.toISOString() : String(value);
  const atMs = momentPattern.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isFinite(atMs)) return atMs;
  throw table.wrong('at', 'a date and time with its difference from UTC, such as 2030-01-31T08:00:00Z');
}

function zoneOf(table: Table): string | undefined {
  const zone = table.text('zone');
  if (zone === undefined || zonePattern.test(zone)) return zone;
  throw table.wrong('zone', 'a time zone, such as "Europe/Berlin"');
}
