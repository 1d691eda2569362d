import type { MessagePort } from 'node:worker_threads';
import type { Clock, Random } from '../clock.ts';
import { makeFolder } from '../folder.ts';
import {
  type BlockPacket,
  type DonePacket,
  digestHeadBytes,
  type FailedPacket,
  frameBytes,
  frameLength,
  isDigestFrame,
  isPersonalFrame,
  states,
} from './block.ts';
import { Broadcast } from './broadcast.ts';
import { type CborTag, type CborValue, decodeCbor, encodeCbor } from './cbor.ts';
import { writeSha256 } from './chain-hash.ts';
import { type ChainLimits, ChainWriter } from './chain-writer.ts';
import type { Disk } from './disk.ts';
import { sealedTag } from './event.ts';
import { EventWriter } from './event-writer.ts';
import { eventBytesMax, type Field, type FieldsOf } from './field.ts';
import type { Head } from './head.ts';
import { type Kind, kinds } from './kinds.ts';
import { type Recovered, recoverChain } from './recovery.ts';
import { deleteSegments, type Pruning, planPruning, type Retention, writePruned } from './retention.ts';
import { sealHash } from './seal.ts';
import type { Signer } from './signer.ts';
import type { SubjectsSeal } from './subject-file.ts';
import { Subjects } from './subjects.ts';
import { hostParty } from './trust.ts';

export interface KeeperOptions {
  readonly folder: string;
  readonly signer: Signer;
  /** Of this host, before it got its present key. */
  readonly earlierKeys: readonly Uint8Array[];
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  readonly limits: ChainLimits;
  readonly retention: Retention;
  /** The wall clock against the monotonic one: beyond it, it was set. */
  readonly clockJumpMsMax: number;
  readonly acceptLoss: boolean;
  readonly subjects: SubjectsSeal;
  /** Of the host's keyring; undefined: it says nothing of it. */
  readonly keyring: KeyringMark | undefined;
  /** The host's own version, and on what it runs: the first event of a run. */
  readonly version: string;
  /** One Int32: see `states`. */
  readonly state: SharedArrayBuffer;
  /** Why the disk refuses; undefined when it takes again. */
  readonly onTrouble: (failure: string | undefined) => void;
}

/** Which keyring a host has, in its own bytes (`markStart`). */
export interface KeyringMark {
  readonly version: number;
  readonly mark: Uint8Array;
}

/** How many events a pen recorded, in memory that outlives its thread. */
export interface Announced {
  readonly thread: number;
  /** One float. */
  readonly count: SharedArrayBuffer;
}

interface Link {
  readonly port: MessagePort;
  readonly announced: Announced | undefined;
  /** Events that came. */
  events: number;
  done: number;
  buffers: ArrayBuffer[];
}

/** Events of the chain's own thread. */
const ownThread = 0;

/** Keeps the chain: the only one that writes it. Runs in a thread of its own, where waiting for the disk harms nobody. */
export class ChainKeeper {
  readonly recovered: Recovered;
  readonly #options: KeeperOptions;
  readonly #writer: ChainWriter;
  readonly #subjects: Subjects;
  readonly #state: Int32Array;
  readonly #links = new Set<Link>();
  readonly #broadcast = new Broadcast();
  readonly #own = new EventWriter(new ArrayBuffer(eventBytesMax));
  readonly #waiting: { readonly link: Link; readonly packet: BlockPacket | undefined }[] = [];
  #ownSequence = 0;
  #offsetMs: number;
  #segment: number;
  #isPruning = false;
  #keyring: KeyringMark | undefined;

  /** @throws HostError `HOST_ERR_AUDIT_CORRUPT` (see `recoverChain`); the system's error when the folder cannot be used */
  constructor(options: KeeperOptions) {
    this.#options = options;
    const { folder, signer, random, clock, disk, limits } = options;
    makeFolder(folder, 0o700);
    const publicKeys = [signer.publicKey, ...options.earlierKeys];
    this.recovered = recoverChain({ folder, random, publicKeys, acceptLoss: options.acceptLoss });
    this.#subjects = new Subjects(folder, this.recovered.chain, options.subjects, random);
    this.#state = new Int32Array(options.state);
    this.#offsetMs = this.#wallMs - clock.monotonicMs();
    this.#writer = new ChainWriter({
      folder,
      signer,
      clock,
      disk,
      limits,
      recovered: this.recovered,
      beforeWrite: () => this.#subjects.flush(),
      onDurable: (entries, firstSequence, events) => this.#durable(entries, firstSequence, events),
      onState: (failure) => this.#turn(failure),
    });
    this.#segment = this.#writer.segmentNumber;
    this.#tellRecovery();
    this.append(kinds.hostStarted, options.version, `node ${process.version}`, null);
    this.#keyring = options.keyring;
    this.#appendKeyring();
    this.#writer.wake(true);
  }

  get head(): Head | undefined {
    return this.#writer.head;
  }

  /** A pen's other end. */
  connect(port: MessagePort, announced?: Announced): void {
    const link: Link = { port, announced, events: 0, done: 0, buffers: [] };
    this.#links.add(link);
    port.on('message', (packet: BlockPacket | { readonly kind: 'hurry' }) => {
      if (packet.kind === 'block') this.#take(link, packet);
      else this.#writer.wake(true);
    });
    port.on('close', () => this.#unlink(link));
  }

  /** After all that was on its way from there. */
  #unlink(link: Link): void {
    if (!this.#links.delete(link)) return;
    if (this.#waiting.length > 0) this.#waiting.push({ link, packet: undefined });
    else this.#tellLost(link);
  }

  /** What a thread had recorded when it ended, and had not handed over. */
  #tellLost({ announced, events }: Link): void {
    if (announced === undefined) return;
    const [count = 0] = new Float64Array(announced.count);
    if (count <= events) return;
    this.append(kinds.eventsLost, count - events, announced.thread);
    this.#writer.wake(false);
  }

  /** Sends what becomes durable from now on. */
  subscribe(port: MessagePort): void {
    this.#broadcast.add(port);
  }

  /** Records something about the chain itself. */
  append<K extends Kind>(kind: K, ...fields: FieldsOf<K>): void {
    const list = fields as readonly Field[];
    const writer = this.#own;
    writer.cbor.at = 0;
    this.#ownSequence += 1;
    writer.begin(kind, list.length, ownThread, this.#ownSequence);
    writer.cbor.uint(this.#wallMs);
    writer.cbor.bigint(this.#options.clock.monotonicNs());
    writer.name('');
    writer.name('');
    for (const field of list) writer.field(field);
    this.#writer.append(writer.cbor.bytes, 0, writer.cbor.at);
  }

  /** Resolves when what was recorded so far is durable. */
  flushed(): Promise<void> {
    return new Promise((resolve) => {
      this.#writer.whenDurable(resolve);
      this.#writer.wake(true);
    });
  }

  /** From the next seal on another key signs; the present one vouches for it. */
  rotateKey(signer: Signer, generation: number): Promise<void> {
    this.append(kinds.keyRotated, hostParty, signer.publicKey, generation);
    this.#writer.seal();
    this.#writer.signer = signer;
    return this.flushed();
  }

  /** An earlier key of the host is not to be trusted from here on. */
  revokeKey(publicKey: Uint8Array, reason: string): Promise<void> {
    this.append(kinds.keyRevoked, hostParty, publicKey, reason);
    return this.flushed();
  }

  /** The host's keyring is another from here on. */
  markKeyring(keyring: KeyringMark): Promise<void> {
    this.#keyring = keyring;
    this.#appendKeyring();
    return this.flushed();
  }

  #appendKeyring(): void {
    const keyring = this.#keyring;
    if (keyring !== undefined) this.append(kinds.keyringMarked, keyring.version, keyring.mark);
  }

  /** Makes everything that the chain says about a person unreadable. @returns whether it knew the person */
  async forget(subject: string, reason: string): Promise<boolean> {
    const slot = this.#subjects.forget(subject);
    if (slot === undefined) return false;
    this.append(kinds.erased, slot, reason);
    await this.flushed();
    return true;
  }

  /** Deletes the segments that need not be kept. @returns how many */
  async prune(): Promise<number> {
    if (this.#isPruning) return 0;
    const { folder, retention } = this.#options;
    const plan = planPruning(folder, this.#writer.head?.segment ?? 0, this.#wallMs, retention);
    if (plan === undefined) return 0;
    this.#isPruning = true;
    try {
      await this.#carryOut(folder, plan);
      return plan.numbers.length;
    } finally {
      this.#isPruning = false;
    }
  }

  /** Writes what is left, the host's stop last. @returns why it could not, or undefined */
  async close(reason: string): Promise<string | undefined> {
    this.#state[0] = states.ended;
    for (const { link, packet } of this.#waiting.splice(0)) this.#linkOrEnd(link, packet);
    for (const link of this.#links) this.#tellLost(link);
    // Who goes away from now on was looked at.
    const links = [...this.#links];
    this.#links.clear();
    this.append(kinds.hostStopped, reason);
    const failure = await this.#writer.close();
    this.#acknowledge(links);
    for (const { port } of links) port.close();
    this.#broadcast.close();
    this.#subjects.close();
    return failure;
  }

  async #carryOut(folder: string, plan: Pruning): Promise<void> {
    const pruned = writePruned(folder, plan, this.#wallMs, this.#writer.signer);
    this.append(kinds.pruned, plan.numbers.length, pruned.lastSequence, pruned.lastLink);
    await this.flushed();
    deleteSegments(folder, plan.numbers);
  }

  get #wallMs(): number {
    return Number(this.#options.clock.wallNs() / 1_000_000n);
  }

  #tellRecovery(): void {
    const { cut, loss } = this.recovered;
    if (cut !== undefined)
      this.append(kinds.recovered, cut.segment, cut.offset, cut.bytes, cut.sha256, cut.isHeadFound);
    if (loss === undefined) return;
    const { seal } = loss.head;
    const last = seal.firstSequence + seal.count - 1;
    this.append(kinds.lossAccepted, loss.lastSequence, last, seal.batch, sealHash(loss.head));
  }

  #take(link: Link, packet: BlockPacket): void {
    if (this.#waiting.length > 0 || this.#writer.isFull) {
      // Bounded by what pens may have under way.
      this.#waiting.push({ link, packet });
      return;
    }
    this.#link(link, packet);
    this.#writer.wake(packet.isUrgent);
  }

  #linkOrEnd(link: Link, packet: BlockPacket | undefined): void {
    if (packet === undefined) this.#tellLost(link);
    else this.#link(link, packet);
  }

  #link(link: Link, { buffer, length }: BlockPacket): void {
    this.#checkClock();
    const bytes = Buffer.from(buffer);
    for (let at = 0; at < length; ) {
      const recordBytes = frameLength(bytes, at);
      link.events += 1;
      const from = at + frameBytes;
      const end = from + recordBytes;
      const next = isDigestFrame(bytes, at) ? putDigest(bytes, from, end) : end;
      if (isPersonalFrame(bytes, at)) this.#linkPersonal(bytes.subarray(from, end));
      else this.#writer.append(bytes, from, recordBytes);
      at = next;
    }
    this.#writer.whenDurable(() => {
      link.done += 1;
      link.buffers.push(buffer);
    });
  }

  #linkPersonal(record: Uint8Array): void {
    const items = (decodeCbor(record) as readonly CborValue[]).map((item) => this.#sealed(item));
    const sealed = Buffer.from(encodeCbor(items));
    this.#writer.append(sealed, 0, sealed.length);
  }

  #sealed(item: CborValue): CborValue {
    if (!isTag(item) || item.tag !== sealedTag) return item;
    const [subject, value] = item.value as readonly [string, CborValue];
    const { slot, nonce, ciphertext } = this.#subjects.seal(subject, value);
    return { tag: sealedTag, value: [slot, nonce, ciphertext] };
  }

  #checkClock(): void {
    const wallMs = this.#wallMs;
    const offsetMs = wallMs - this.#options.clock.monotonicMs();
    const jumpMs = Math.abs(offsetMs - this.#offsetMs);
    const expectedMs = Math.round(wallMs - offsetMs + this.#offsetMs);
    this.#offsetMs = offsetMs;
    if (jumpMs > this.#options.clockJumpMsMax) this.append(kinds.clockJumped, expectedMs, wallMs);
  }

  #durable(entries: Buffer, firstSequence: number, events: number): void {
    this.#broadcast.send(entries, firstSequence, events);
    // After the blocks of this write were counted, which is next.
    queueMicrotask(() => {
      this.#acknowledge();
      this.#takeWaiting();
      if (this.#segment === this.#writer.segmentNumber) return;
      this.#segment = this.#writer.segmentNumber;
      // Older segments may go.
      this.#appendKeyring();
      void this.prune().catch((error: unknown) => this.#options.onTrouble(String(error)));
    });
  }

  #takeWaiting(): void {
    while (!this.#writer.isFull) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#linkOrEnd(next.link, next.packet);
      this.#writer.wake(true);
    }
  }

  #acknowledge(links: Iterable<Link> = this.#links): void {
    for (const link of links) {
      const { port, done, buffers } = link;
      if (done === 0) continue;
      link.done = 0;
      link.buffers = [];
      port.postMessage({ kind: 'done', blocks: done, buffers } satisfies DonePacket, buffers);
    }
  }

  #turn(failure: string | undefined): void {
    Atomics.store(this.#state, 0, failure === undefined ? states.writing : states.refusing);
    this.#options.onTrouble(failure);
    if (failure === undefined) return;
    for (const { port } of this.#links)
      port.postMessage({ kind: 'failed', message: failure } satisfies FailedPacket);
  }
}

/** Puts the digest of what is behind an event into it. @returns where the next frame begins */
function putDigest(bytes: Buffer, from: number, end: number): number {
  const at = end + digestHeadBytes;
  const length = bytes.readUInt16LE(end + 2);
  writeSha256(bytes.subarray(at, at + length), bytes, from + bytes.readUInt16LE(end));
  return at + length;
}

function isTag(value: CborValue): value is CborTag {
  return typeof value === 'object' && value !== null && 'tag' in value;
}
