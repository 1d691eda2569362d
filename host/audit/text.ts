import { plainText } from '../errors.ts';
import { type AuditEvent, namedFields } from './event.ts';
import type { ReadField } from './field.ts';
import { publicKeyText } from './signer.ts';
import type { PersonalReader } from './subjects.ts';
import type { Verification } from './verify.ts';

/** One event as a person reads it, in one line. */
export function eventText(event: AuditEvent, personal?: PersonalReader): string {
  const time = new Date(event.timeMs).toISOString();
  const who = [event.agent, event.principal && `for ${event.principal}`].filter(Boolean).join(' ');
  const fields = Object.entries(namedFields(event)).filter(([, value]) => value !== null);
  const words = fields.map(([name, value]) => `${name}=${fieldText(value, personal)}`).join(' ');
  return plainText(
    `${event.sequence} ${time} ${event.name} ${[who, words].filter(Boolean).join(' ')}`.trimEnd(),
  );
}

function fieldText(value: ReadField, personal: PersonalReader | undefined): string {
  if (value === null || typeof value !== 'object') return String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (!('kind' in value)) return value.map((item) => fieldText(item, personal)).join(',');
  if (value.kind !== 'sealed') return `(${value.bytes} bytes)`;
  const read = personal?.read(value);
  if (read === 'erased') return `(erased, person ${value.slot})`;
  return typeof read === 'string' || read instanceof Uint8Array
    ? JSON.stringify(Buffer.from(read).toString())
    : `(sealed, person ${value.slot})`;
}

/** What `host audit verify` prints. */
export function verificationText(found: Verification): string {
  const lines = [found.isIntact ? intactText(found) : brokenText(found)];
  for (const { kind, sequence, batch, file, offset, detail } of found.faults)
    lines.push(`  event ${sequence} (batch ${batch}, ${file} at byte ${offset}): ${kind}: ${detail}`);
  if (found.prunedTo !== undefined)
    lines.push(`  events up to ${found.prunedTo} were deleted by the host, as its signed word says`);
  for (const note of found.notes) lines.push(`  note: ${note}`);
  const seal = found.lastSeal?.seal;
  if (seal !== undefined) {
    const { uncertaintyMs } = seal;
    const how = uncertaintyMs === null ? 'how exactly, nobody said' : `± ${uncertaintyMs} ms`;
    lines.push(`  last seal: batch ${seal.batch}, ${new Date(seal.wallMs).toISOString()} (${how})`);
    lines.push(`  signed by ${publicKeyText(seal.publicKey)}`);
  }
  return plainText(`${lines.join('\n')}\n`, true);
}

function intactText({ events, batches, segments, firstSequence, lastSequence }: Verification): string {
  const range = events === 0 ? '' : ` (${firstSequence} to ${lastSequence})`;
  const under = `under ${counted(batches, 'seal')} in ${counted(segments, 'segment')}`;
  return `intact: ${counted(events, 'event')}${range} ${under}`;
}

function counted(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`;
}

function brokenText({ faults, events }: Verification): string {
  return `NOT intact: ${counted(faults.length, 'fault')}; ${counted(events, 'event')} ${events === 1 ? 'was' : 'were'} found right`;
}
