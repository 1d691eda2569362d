import { CborError, type CborTag, type CborValue, decodeCbor } from './cbor.ts';
import type { LongField, ReadField, SealedField } from './field.ts';
import { fieldNames, kindNames } from './kinds.ts';

/** One event of the chain. */
export interface AuditEvent {
  /** Its place on the chain, from 1. */
  readonly sequence: number;
  readonly kind: number;
  /** `invocation-ended`; `kind-99` for one that this version does not know. */
  readonly name: string;
  /** The thread that saw it, and its count of events there, from 1. */
  readonly thread: number;
  readonly threadSequence: number;
  /** Milliseconds since the Unix epoch, by that thread's wall clock. */
  readonly timeMs: number;
  /** Nanoseconds since the machine's start; goes back only when the machine was started again. */
  readonly monotonicNs: number | bigint;
  readonly agent: string | null;
  /** On whose behalf. */
  readonly principal: string | null;
  /** See `fieldNames`. */
  readonly fields: readonly ReadField[];
}

/** CBOR tags from the range anyone may use. */
export const sealedTag = 55_800;
export const longTag = 55_801;

/** Items before the fields of the kind. */
export const fixedItems = 7;

/** @throws CborError when the record is no event */
export function decodeEvent(sequence: number, record: Uint8Array): AuditEvent {
  const items = decodeCbor(record);
  if (!Array.isArray(items) || items.length < fixedItems)
    throw new CborError('an event is not an array of 7 or more');
  const [kind, thread, threadSequence, timeMs, monotonicNs, agent, principal, ...fields] =
    items as CborValue[];
  if (typeof kind !== 'number' || typeof thread !== 'number' || typeof threadSequence !== 'number')
    throw new CborError('an event begins with three numbers');
  if (typeof timeMs !== 'number' || !isWhole(monotonicNs)) throw new CborError('an event has two times');
  if (!isName(agent) || !isName(principal)) throw new CborError('an event names an agent and a principal');
  const name = kindNames.get(kind) ?? `kind-${kind}`;
  const read = fields.map(readField);
  return {
    sequence,
    kind,
    name,
    thread,
    threadSequence,
    timeMs,
    monotonicNs,
    agent,
    principal,
    fields: read,
  };
}

function isWhole(value: CborValue): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

function isName(value: CborValue): value is string | null {
  return typeof value === 'string' || value === null;
}

function readField(value: CborValue): ReadField {
  if (value === undefined) return null;
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(readField);
  if (value instanceof Map) throw new CborError('a field is a map');
  if ('float' in value) return value.float;
  return readTagged(value as CborTag);
}

function readTagged({ tag, value }: CborTag): SealedField | LongField {
  if (!Array.isArray(value)) throw new CborError('a tagged field is no array');
  const [first, second, third] = value as CborValue[];
  if (typeof first === 'number' && second instanceof Uint8Array) {
    if (tag === longTag) return { kind: 'long', bytes: first, sha256: second };
    if (tag === sealedTag && third instanceof Uint8Array)
      return { kind: 'sealed', slot: first, nonce: second, ciphertext: third };
  }
  throw new CborError(`a field has the unknown tag ${tag}`);
}

/** The fields of an event with their names; one without a name is called by its place. */
export function namedFields(event: AuditEvent): Record<string, ReadField> {
  const names = (fieldNames as Readonly<Record<number, readonly string[]>>)[event.kind] ?? [];
  return Object.fromEntries(event.fields.map((field, index) => [names[index] ?? `field${index}`, field]));
}
