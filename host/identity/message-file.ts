import { BytesReader, BytesWriter } from './bytes.ts';
import { type EnvelopeHeader, readHeader, writeHeader } from './header.ts';
import { isSame, parseIntroduction } from './key-statement.ts';
import { decodeProof, encodeProof, type MessageProof, verifyProof } from './message-proof.ts';
import { keyText } from './public-key.ts';
import { type Refused, refused } from './refusal.ts';

/** Everything that proves one message to somebody who has the host's public key and nothing else. */
export interface ProvenMessage {
  readonly header: EnvelopeHeader;
  readonly payload: Uint8Array;
  readonly proof: MessageProof;
  /** The host's word that the key is the sender's (`Keyring.introduce`). */
  readonly introduction: Uint8Array;
}

/** A message that its sender signed, by the host's word. */
export interface VerifiedMessage {
  readonly kind: 'verified';
  readonly header: EnvelopeHeader;
  readonly payload: Uint8Array;
  /** The sender's key. */
  readonly key: string;
  readonly signedAtMs: number;
}

const version = 1;
const fields = 'header,introduction,payload,proof,version';

/** JSON: `version` 1, and in base64url `header`, `payload`, `proof`, `introduction`. */
export function encodeMessageFile({ header, payload, proof, introduction }: ProvenMessage): string {
  const headerBytes = new BytesWriter(512);
  writeHeader(header, header.sequence, headerBytes);
  const content = {
    version,
    header: base64(headerBytes.view()),
    payload: base64(payload),
    proof: base64(encodeProof(proof)),
    introduction: base64(introduction),
  };
  return `${JSON.stringify(content, undefined, 2)}\n`;
}

/** Verifies one message alone and offline. @param hostKey 32 bytes: the host's, got by another way */
export function verifyMessageFile(text: string, hostKey: Uint8Array): VerifiedMessage | Refused {
  const file = decode(text);
  if ('kind' in file) return file;
  const { header, payload, proof } = file;
  const proven = verifyProof(header, payload, proof);
  if (proven.kind === 'refused') return proven;
  const introduced = parseIntroduction(file.introduction);
  if (introduced.kind === 'refused') return introduced;
  const { content, by } = introduced;
  if (!isSame(by[0], hostKey))
    return refused('key-unknown', `${keyText(by[0])} speaks for the sender, and the key given is another`);
  if (!isSame(content.key, proven.key))
    return refused(
      'key-substituted',
      `${content.party} has the key ${keyText(content.key)}, and another signed`,
    );
  if (content.party !== header.sender)
    return refused('sender', `signed by ${content.party}, and it says it is of ${header.sender}`);
  return { kind: 'verified', header, payload, key: keyText(proven.key), signedAtMs: proven.signedAtMs };
}

function decode(text: string): ProvenMessage | Refused {
  const parts = partsOf(text);
  if (parts === undefined) return refused('malformed', `not JSON with ${fields}`);
  const reader = new BytesReader(parts.header);
  const header = readHeader(reader);
  const proof = decodeProof(parts.proof);
  if (header === undefined || !reader.isDone) return refused('malformed', 'its header is none');
  if (proof === undefined) return refused('malformed', 'its proof is none');
  return { header, payload: parts.payload, proof, introduction: parts.introduction };
}

type Part = 'header' | 'payload' | 'proof' | 'introduction';

function partsOf(text: string): Record<Part, Buffer> | undefined {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Object.keys(value).sort().join() !== fields)
    return undefined;
  const part = (name: Part): Buffer => Buffer.from(String(value[name]), 'base64url');
  if (value.version !== version) return undefined;
  return {
    header: part('header'),
    payload: part('payload'),
    proof: part('proof'),
    introduction: part('introduction'),
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
