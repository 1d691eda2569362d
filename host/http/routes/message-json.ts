import type { Header, Message } from '../../host/serving.ts';
import { listOf, objectOf, type Schema, text } from '../schema.ts';

/** A message as JSON shows it. */
export interface MessageJson {
  readonly id: string;
  readonly subject: string;
  readonly sender: string | null;
  readonly contentType: string | null;
  readonly headers: readonly Header[];
  readonly sentAt: string;
  readonly body?: string;
  readonly bodyBase64?: string;
}

export const messageSchema: Schema = objectOf<MessageJson>(
  'Message',
  {
    id: text(),
    subject: text(),
    sender: { type: ['string', 'null'], description: 'The sending agent; null for one from outside.' },
    contentType: { type: ['string', 'null'] },
    headers: listOf(objectOf<Header>('Header', { name: text(), value: text() })),
    sentAt: { type: 'string', format: 'date-time', description: 'With nanoseconds.' },
    body: text('The body, when it is UTF-8.'),
    bodyBase64: text('The body, when it is not.'),
  },
  ['body', 'bodyBase64'],
);

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function messageJson(message: Message): MessageJson {
  const { id, subject, sender, contentType, headers, sentAtNs } = message;
  const sentAt = isoTime(sentAtNs);
  return {
    id,
    subject,
    sender: sender ?? null,
    contentType: contentType ?? null,
    headers,
    sentAt,
    ...bodyJson(message.body),
  };
}

function bodyJson(body: Uint8Array): { readonly body: string } | { readonly bodyBase64: string } {
  try {
    return { body: decoder.decode(body) };
  } catch {
    return { bodyBase64: Buffer.from(body.buffer, body.byteOffset, body.length).toString('base64') };
  }
}

/** ISO 8601 with nanoseconds. */
export function isoTime(ns: bigint): string {
  const seconds = ns / 1_000_000_000n;
  const rest = (ns % 1_000_000_000n).toString().padStart(9, '0');
  return new Date(Number(seconds) * 1000).toISOString().replace(/\.\d+Z$/, `.${rest}Z`);
}
