import type { Message } from '../../bus/message.ts';
import type { MessageSigner, SigningMode } from '../../bus/message-signer.ts';
import type { Clock } from '../../clock.ts';
import { BatchSigner } from '../../identity/batch-signer.ts';
import type { EnvelopeHeader } from '../../identity/header.ts';
import type { HostSecret } from '../../identity/host-secret.ts';
import { introduction } from '../../identity/key-statement.ts';
import { encodeMessageFile } from '../../identity/message-file.ts';
import type { MessageProof } from '../../identity/message-proof.ts';
import type { SigningKey } from '../../identity/signing-key.ts';

export interface MessageProofsOptions {
  readonly secret: HostSecret;
  readonly clock: Clock;
  /** What peers call this host. */
  readonly hostName: string;
  /** Of the keys whose generation is not 1: `host`, `agent/NAME`; at the beginning. */
  readonly generations: Readonly<Record<string, number>>;
  /** Proofs that are kept; the oldest go. Default 10,000. */
  readonly proofsMax?: number;
  /** Bytes of their messages; default 16 MiB. */
  readonly bytesMax?: number;
  /** Agents whose signers are kept; default 1,024. */
  readonly signersMax?: number;
}

interface Kept {
  readonly header: EnvelopeHeader;
  readonly payload: Uint8Array;
  readonly sender: Sender;
  proof: MessageProof | undefined;
}

interface Sender {
  readonly party: string;
  readonly key: SigningKey;
  readonly generation: number;
  readonly batch: BatchSigner;
  readonly each: BatchSigner;
}

const ttlMs = 2 ** 48;

/** Signs what agents of a thread send, and keeps the latest proofs, for whoever asks for one. */
export class MessageProofs implements MessageSigner {
  readonly #options: MessageProofsOptions;
  readonly #senders = new Map<string, Sender>();
  /** By message id, oldest first. */
  readonly #kept = new Map<string, Kept>();
  readonly #proofsMax: number;
  readonly #bytesMax: number;
  #generations: Readonly<Record<string, number>>;
  #bytes = 0;
  #sequence = 0;

  constructor(options: MessageProofsOptions) {
    this.#options = options;
    this.#generations = options.generations;
    this.#proofsMax = options.proofsMax ?? 10_000;
    this.#bytesMax = options.bytesMax ?? 16 * 1024 * 1024;
  }

  sign(message: Message, target: string, mode: Exclude<SigningMode, 'none'>): void {
    const { hostName } = this.#options;
    const sender = this.#sender(message.sender ?? '');
    const { id, subject, contentType = '', replyTo = '', sentAtNs, body } = message;
    const header: EnvelopeHeader = {
      id,
      sender: sender.party,
      recipient: `${hostName}/${target}`,
      subject,
      kind: replyTo === '' ? (subject === `agent.${target}` ? 'send' : 'publish') : 'request',
      contentType,
      replyTo: '',
      sentAtMs: Number(sentAtNs / 1_000_000n),
      ttlMs,
      sequence: ++this.#sequence,
      trace: '',
      keyGeneration: sender.generation,
    };
    const kept: Kept = { header, payload: Uint8Array.from(body), sender, proof: undefined };
    this.#keep(id, kept);
    sender[mode].add(header, body, (proof) => {
      kept.proof = proof;
    });
  }

  /** Keys are others from now on. What waits for a signature gets that of the key it was sent under. */
  rotated(generations: Readonly<Record<string, number>>): void {
    this.#generations = generations;
    for (const [name, { generation, batch }] of this.#senders) {
      if (generation === (generations[`agent/${name}`] ?? 1)) continue;
      batch.flush();
      this.#senders.delete(name);
    }
  }

  /** The content of a file that proves a message (`host message verify`); undefined: none is kept of that id. */
  proofOf(id: string): string | undefined {
    const kept = this.#kept.get(id);
    if (kept === undefined) return undefined;
    // Its batch is not full: signed now.
    if (kept.proof === undefined) kept.sender.batch.flush();
    const { header, payload, sender, proof } = kept;
    if (proof === undefined) return undefined;
    return encodeMessageFile({ header, payload, proof, introduction: this.#introduce(sender) });
  }

  #introduce({ party, key, generation }: Sender): Uint8Array {
    const { secret, clock } = this.#options;
    const host = secret.signingKey('host', this.#generations.host ?? 1);
    const atMs = Number(clock.wallNs() / 1_000_000n);
    return introduction({ party, key: key.publicKey, generation, atMs }, host, key);
  }

  #sender(name: string): Sender {
    const known = this.#senders.get(name);
    if (known !== undefined) return known;
    const { secret, clock, hostName, signersMax = 1024 } = this.#options;
    const generation = this.#generations[`agent/${name}`] ?? 1;
    const key = secret.signingKey(`agent/${name}`, generation);
    const batch = new BatchSigner({ signer: key, clock });
    const each = new BatchSigner({ signer: key, clock, batchMax: 1 });
    const sender = { party: `${hostName}/${name}`, key, generation, batch, each };
    for (const [oldest, { batch: waiting }] of this.#senders) {
      if (this.#senders.size < signersMax) break;
      waiting.flush();
      this.#senders.delete(oldest);
    }
    this.#senders.set(name, sender);
    return sender;
  }

  #keep(id: string, kept: Kept): void {
    this.#drop(id);
    this.#kept.set(id, kept);
    this.#bytes += kept.payload.length;
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= this.#proofsMax && this.#bytes <= this.#bytesMax) break;
      this.#drop(oldest);
    }
  }

  #drop(id: string): void {
    const kept = this.#kept.get(id);
    if (kept === undefined) return;
    this.#bytes -= kept.payload.length;
    this.#kept.delete(id);
  }
}
