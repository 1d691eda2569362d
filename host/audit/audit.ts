import type { KeyObject } from 'node:crypto';
import { MessageChannel, type Transferable, Worker } from 'node:worker_threads';
import type { Clock } from '../clock.ts';
import { fromWire, HostError } from '../errors.ts';
import { threadEnvironment } from '../thread-environment.ts';
import { states } from './block.ts';
import type { ChainLimits } from './chain-writer.ts';
import type { KeyringMark } from './keeper.ts';
import { AuditPen, type PenEnd, type PenOptions } from './pen.ts';
import { readSeal, type SignedSeal } from './seal.ts';
import { EventStream, type StreamOptions } from './stream.ts';
import type { SubjectsSeal } from './subject-file.ts';
import type { HeadReply, KeeperCalls, KeeperStart, OwnerPacket } from './thread-main.ts';

export interface AuditOptions {
  /** Where the chain is; made when missing. */
  readonly folder: string;
  /** Ed25519: the host's. */
  readonly privateKey: KeyObject;
  /** Raw public keys the host had before. */
  readonly earlierKeys?: readonly Uint8Array[];
  /** The host's version, for the first event. */
  readonly version: string;
  readonly clock: Clock;
  /** Under which the keys to what is said about people are sealed on disk. */
  readonly subjects: SubjectsSeal;
  /** Which keyring the host has (`markKeyring`). */
  readonly keyring?: KeyringMark | undefined;
  readonly limits?: Partial<ChainLimits>;
  readonly retentionMsMax?: number | null;
  readonly retentionBytesMax?: number | null;
  readonly clockJumpMsMax?: number;
  /** Goes on although the end that was promised is missing; that is recorded. */
  readonly acceptLoss?: boolean;
  /** Why the disk refuses; undefined when it takes again. */
  readonly onTrouble?: (message: string | undefined) => void;
  /** The thread that keeps the chain has ended by itself: every pen is full for good, the host should stop. */
  readonly onLost?: (reason: string) => void;
}

export const chainLimits: ChainLimits = {
  segmentBytesMax: 64 * 1024 * 1024,
  segmentMsMax: 86_400_000,
  sealMsMax: 5,
  retryMs: 250,
  uncertaintyMs: null,
  bufferBytesMax: 8 * 1024 * 1024,
};

const entry: URL = new URL(
  import.meta.url.endsWith('.ts') ? './thread-main.ts' : './audit-thread.js',
  import.meta.url,
);

/** Where the last good seal was, and what was behind it. */
export interface AuditStart {
  readonly cutBytes: number;
  readonly isLossAccepted: boolean;
}

interface Call {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** The owner's side of the audit chain; the chain itself is kept by a thread of its own. */
export class Audit {
  /** What recovery found. */
  readonly start: AuditStart;
  /** Why the disk refuses what is to be recorded; undefined while it does not. */
  trouble: string | undefined;
  readonly #worker: Worker;
  readonly #state: SharedArrayBuffer;
  readonly #clock: Clock;
  readonly #calls = new Map<number, Call>();
  readonly #ended: Promise<unknown>;
  #nextCall = 1;
  #nextThread = 1;
  #isClosing = false;

  private constructor(worker: Worker, state: SharedArrayBuffer, start: AuditStart, options: AuditOptions) {
    this.#worker = worker;
    this.#state = state;
    this.#clock = options.clock;
    this.start = start;
    worker.on('message', (packet: OwnerPacket) => this.#receive(packet, options));
    this.#ended = new Promise((resolve) => worker.once('exit', resolve));
    let reason = 'its thread ended';
    worker.on('error', (error: unknown) => {
      reason = error instanceof Error ? error.message : String(error);
    });
    worker.once('exit', () => {
      Atomics.store(new Int32Array(state), 0, states.ended);
      for (const { reject } of this.#calls.values()) reject(lost(reason));
      this.#calls.clear();
      if (!this.#isClosing) options.onLost?.(reason);
    });
  }

  /**
   * Recovers the chain in `folder`, or begins one.
   * @throws HostError `HOST_ERR_AUDIT_CORRUPT` when events that were promised are missing;
   * `HOST_ERR_AUDIT_UNWRITABLE` when the folder cannot be used
   */
  static async start(options: AuditOptions): Promise<Audit> {
    const state = new SharedArrayBuffer(4);
    const start: KeeperStart = {
      folder: options.folder,
      privateKey: options.privateKey,
      earlierKeys: options.earlierKeys ?? [],
      limits: { ...chainLimits, ...options.limits },
      retention: {
        retentionMsMax: options.retentionMsMax ?? null,
        retentionBytesMax: options.retentionBytesMax ?? null,
      },
      clockJumpMsMax: options.clockJumpMsMax ?? 1_000,
      acceptLoss: options.acceptLoss ?? false,
      version: options.version,
      subjects: options.subjects,
      keyring: options.keyring,
      state,
    };
    const worker = new Worker(entry, { name: 'audit', workerData: start, env: threadEnvironment() });
    const packet = await firstWord(worker);
    if (packet.kind === 'failed') {
      await worker.terminate();
      throw fromWire(packet.error);
    }
    const found = { cutBytes: packet.cutBytes, isLossAccepted: packet.lossAccepted };
    return new Audit(worker, state, found, options);
  }

  /** What a thread needs to make an `AuditPen` of its own; its port is to be transferred. */
  penEnd(): PenEnd {
    const { port1, port2 } = new MessageChannel();
    const thread = this.#nextThread++;
    const count = new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT);
    this.#post('connect', { port: port1, thread, count }, [port1]);
    return { port: port2, state: this.#state, thread, count };
  }

  /** A pen for this thread. */
  pen(options: Omit<PenOptions, 'clock'> = {}): AuditPen {
    return new AuditPen(this.penEnd(), { clock: this.#clock, ...options });
  }

  /** Events from now on, as they become durable. */
  stream(options: StreamOptions = {}): EventStream {
    const { port1, port2 } = new MessageChannel();
    this.#post('subscribe', port1, [port1]);
    return new EventStream(port2, options);
  }

  /** The last durable seal (see `anchorText`). */
  async head(): Promise<SignedSeal | undefined> {
    const reply: HeadReply | undefined = await this.#call('head', null);
    return reply && readSeal(Buffer.from(reply.payload), Buffer.from(reply.signature));
  }

  /** Another key of the host signs from now on; the present one vouches for it. */
  async rotateKey(privateKey: KeyObject, generation: number): Promise<void> {
    await this.#call('rotateKey', { privateKey, generation });
  }

  /** An earlier key of the host is not to be trusted for anything sealed from now on. */
  async revokeKey(publicKey: Uint8Array, reason: string): Promise<void> {
    await this.#call('revokeKey', { publicKey, reason });
  }

  /** The host has another version of its keyring; `mark` says which, in bytes that only it can make (`markStart`). */
  async markKeyring(version: number, mark: Uint8Array): Promise<void> {
    await this.#call('markKeyring', { version, mark });
  }

  /** Makes what the chain says about a person unreadable for ever. @returns whether it knew the person */
  forget(subject: string, reason: string): Promise<boolean> {
    return this.#call('forget', { subject, reason });
  }

  /** Deletes the segments that retention does not keep. @returns how many */
  prune(): Promise<number> {
    return this.#call('prune', null);
  }

  /**
   * Records that the host stops, makes everything durable and ends the thread. Pens are closed before.
   * @throws HostError `HOST_ERR_AUDIT_UNWRITABLE` when the end could not be written
   */
  async close(reason = 'stopped'): Promise<void> {
    const failure = await this.#call('close', reason);
    this.#isClosing = true;
    await this.#worker.terminate();
    await this.#ended;
    if (failure === undefined) return;
    throw new HostError(
      'HOST_ERR_AUDIT_UNWRITABLE',
      `the end of the audit chain could not be written: ${failure}`,
    );
  }

  /** Ends the thread at once, whatever it was writing: as `kill -9` would. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
    await this.#ended;
  }

  #post<Name extends keyof KeeperCalls>(
    name: Name,
    input: KeeperCalls[Name]['input'],
    transfer: Transferable[] = [],
  ): void {
    this.#worker.postMessage({ kind: 'call', id: 0, name, input }, transfer);
  }

  #call<Name extends keyof KeeperCalls>(
    name: Name,
    input: KeeperCalls[Name]['input'],
  ): Promise<KeeperCalls[Name]['answer']> {
    const id = this.#nextCall++;
    return new Promise((resolve, reject) => {
      if (Atomics.load(new Int32Array(this.#state), 0) === states.ended) {
        reject(lost('it is closed'));
        return;
      }
      this.#calls.set(id, { resolve: resolve as (answer: unknown) => void, reject });
      this.#worker.postMessage({ kind: 'call', id, name, input });
    });
  }

  #receive(packet: OwnerPacket, options: AuditOptions): void {
    if (packet.kind === 'trouble') {
      this.trouble = packet.message;
      options.onTrouble?.(packet.message);
      return;
    }
    if (packet.kind !== 'answer' && packet.kind !== 'refused') return;
    const call = this.#calls.get(packet.id);
    this.#calls.delete(packet.id);
    if (packet.kind === 'answer') call?.resolve(packet.answer);
    else call?.reject(fromWire(packet.error));
  }
}

type FirstWord = Extract<OwnerPacket, { kind: 'ready' | 'failed' }>;

function firstWord(worker: Worker): Promise<FirstWord> {
  return new Promise((resolve, reject) => {
    const take = (packet: OwnerPacket): void => {
      if (packet.kind !== 'ready' && packet.kind !== 'failed') return;
      worker.off('message', take);
      worker.off('error', reject);
      resolve(packet);
    };
    worker.on('message', take);
    worker.on('error', reject);
  });
}

function lost(reason: string): HostError {
  const message = `the audit chain does not answer (${reason}); restart the host`;
  return new HostError('HOST_ERR_THREAD_LOST', message, { reason });
}
