import { hash } from 'node:crypto';
import { CborWriter } from './cbor-writer.ts';
import { fixedItems, longTag, sealedTag } from './event.ts';
import { Digest, digestBytesMax, eventBytesMax, type Field, fieldBytesMax, Personal } from './field.ts';

/** The most bytes of everything in an event but texts, byte strings and lists, a field counting for up to 9. */
const fixedBytes = 64;
/** What stands for a field that is too long: tag, length, SHA-256. */
const longBytes = 50;

/** Writes events as CBOR records into a buffer that the caller provides. */
export class EventWriter {
  readonly cbor: CborWriter;
  /** Whether the last event has fields that are to be sealed. */
  isPersonal = false;
  /** What the last event's digest is of, when the chain's thread is to compute it, and where it goes. */
  digestOf: Uint8Array | undefined;
  digestAt = 0;

  constructor(buffer: ArrayBuffer) {
    this.cbor = new CborWriter(buffer);
  }

  begin(kind: number, fields: number, thread: number, threadSequence: number): void {
    const { cbor } = this;
    this.isPersonal = false;
    this.digestOf = undefined;
    cbor.array(fixedItems + fields);
    cbor.uint(kind);
    cbor.uint(thread);
    cbor.uint(threadSequence);
  }

  name(name: string): void {
    if (name === '') this.cbor.null();
    else if (name.length > namesCharsMax) this.cbor.text(name.slice(0, namesCharsMax));
    else this.cbor.text(name);
  }

  field(value: Field | undefined): void {
    const { cbor } = this;
    if (typeof value === 'string') this.#text(value);
    else if (typeof value === 'number') cbor.number(value);
    else if (value === null || value === undefined) cbor.null();
    else if (typeof value === 'boolean') cbor.boolean(value);
    else if (typeof value === 'bigint') this.#bigint(value);
    else if (value instanceof Uint8Array) this.#bytes(value);
    else if (value instanceof Digest) this.#digest(value.bytes);
    else if (value instanceof Personal) this.#personal(value);
    else this.#list(value);
  }

  #text(value: string): void {
    // Most texts are short: no need to count their bytes.
    if (value.length * 3 <= fieldBytesMax || Buffer.byteLength(value) <= fieldBytesMax) this.cbor.text(value);
    else this.#long(Buffer.from(value));
  }

  #bigint(value: bigint): void {
    if (BigInt.asIntN(512, value) === value) this.cbor.bigint(value);
    else this.#text(`0x${value.toString(16)}`);
  }

  #bytes(value: Uint8Array): void {
    if (value.length <= fieldBytesMax) this.cbor.byteString(value);
    else this.#long(value);
  }

  #list(list: readonly string[]): void {
    const { cbor } = this;
    if (listBytes(list) > fieldBytesMax) {
      this.#long(Buffer.from(JSON.stringify(list)));
      return;
    }
    cbor.array(list.length);
    for (const item of list) cbor.text(item);
  }

  #digest(bytes: Uint8Array): void {
    const { cbor } = this;
    if (bytes.length > digestBytesMax || this.digestOf !== undefined || this.isPersonal) {
      cbor.byteString(hash('sha256', bytes, 'buffer'));
      return;
    }
    this.digestOf = bytes;
    cbor.byteStringHead(digestLength);
    this.digestAt = cbor.at;
    cbor.at += digestLength;
  }

  #personal({ subject, value }: Personal): void {
    const { cbor } = this;
    this.isPersonal = true;
    // Sealing moves what is behind it.
    if (this.digestOf !== undefined) cbor.bytes.set(hash('sha256', this.digestOf, 'buffer'), this.digestAt);
    this.digestOf = undefined;
    cbor.tag(sealedTag);
    cbor.array(2);
    cbor.text(subject.slice(0, namesCharsMax));
    if (typeof value === 'string') this.#text(value);
    else this.#bytes(value);
  }

  #long(bytes: Uint8Array): void {
    const { cbor } = this;
    cbor.tag(longTag);
    cbor.array(2);
    cbor.uint(bytes.length);
    cbor.byteString(hash('sha256', bytes, 'buffer'));
  }
}

const digestLength = 32;

/** Characters of an agent's, a principal's or a person's name; the manifest allows fewer. */
export const namesCharsMax = 256;

/** The most bytes an event with these names may take without its fields. */
export function baseBytesMax(agent: string, principal: string): number {
  return fixedBytes + 3 * (agent.length + principal.length);
}

/** The most bytes that a field may take. */
export function fieldBytesBound(value: Field | undefined): number {
  if (typeof value === 'string') return value.length * 3 <= fieldBytesMax ? value.length * 3 + 3 : longBound;
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint' ? 160 : 9;
  if (value instanceof Uint8Array) return value.length <= fieldBytesMax ? value.length + 3 : longBound;
  if (value instanceof Digest) return 38 + (value.bytes.length <= digestBytesMax ? value.bytes.length : 0);
  if (value instanceof Personal) return 3 * namesCharsMax + 16 + fieldBytesBound(value.value);
  return Math.min(listBytes(value), fieldBytesMax) + longBytes;
}

const longBound: number = fieldBytesMax + longBytes;

function listBytes(list: readonly string[]): number {
  let bytes = 5;
  for (const item of list) bytes += Buffer.byteLength(item) + 5;
  return bytes;
}

/** Eight fields of the greatest length do not fit: then all but short ones are recorded by their digest. */
export function shortened(value: Field | undefined): Field | undefined {
  if (fieldBytesBound(value) <= shortBytesMax) return value;
  if (value instanceof Digest) return value;
  if (value instanceof Personal) return new Personal(value.subject, digestText(value.value));
  if (typeof value === 'string' || value instanceof Uint8Array) return digestText(value);
  if (Array.isArray(value)) return digestText(JSON.stringify(value));
  return value;
}

const shortBytesMax: number = eventBytesMax / 16;

function digestText(value: string | Uint8Array): string {
  return `sha256:${hash('sha256', value, 'hex')}`;
}
