import type { MessagePort } from 'node:worker_threads';
import type { Clock } from '../clock.ts';
import { HostError } from '../errors.ts';
import {
  type BlockPacket,
  blockBytes,
  type DonePacket,
  digestBit,
  digestHeadBytes,
  type FailedPacket,
  frameBytes,
  personalBit,
  states,
} from './block.ts';
import type { CborWriter } from './cbor-writer.ts';
import { baseBytesMax, EventWriter, fieldBytesBound, namesCharsMax, shortened } from './event-writer.ts';
import { eventBytesMax, type Field, type FieldsOf } from './field.ts';
import { fieldCounts, type Kind, kinds } from './kinds.ts';

/** What a thread needs for its pen; made by `Audit.penEnd`, given to the thread with its port transferred. */
export interface PenEnd {
  readonly port: MessagePort;
  /** One Int32: see `states`. */
  readonly state: SharedArrayBuffer;
  /** Never used for another thread of the same host's run. */
  readonly thread: number;
  /** One float: how many events the pen recorded. The chain sees it when the thread is gone. */
  readonly count?: SharedArrayBuffer;
}

export interface PenOptions {
  readonly clock: Clock;
  /** Milliseconds that an event may wait in its thread. */
  readonly flushMsMax?: number;
  /** Bytes handed over and not yet durable, beyond which `isBehind`. 16 MiB if left out. */
  readonly behindBytes?: number;
  /** The same, beyond which `isFull`. 64 MiB if left out. */
  readonly pendingBytesMax?: number;
  /** Bytes beyond that for what cannot be refused any more, as the end of what was begun. */
  readonly reserveBytesMax?: number;
}

interface Waiter {
  /** The block that must be durable. */
  readonly block: number;
  readonly resolve: () => void;
  readonly reject: (error: HostError) => void;
}

const spareBlocksMax = 16;

/**
 * Where a thread writes what happened. Events are gathered and handed over after `flushMsMax` at the latest; nothing
 * is lost silently: what the chain cannot take makes `isFull` true, and then nothing new may be begun.
 */
export class AuditPen {
  readonly #port: MessagePort;
  readonly #state: Int32Array;
  readonly #thread: number;
  readonly #count: Float64Array;
  readonly #clock: Clock;
  readonly #flushMsMax: number;
  readonly #pendingBytesMax: number;
  readonly #behindBytes: number;
  readonly #hardBytesMax: number;
  readonly #originNs: number;
  readonly #spare: ArrayBuffer[] = [];
  /** Lengths of blocks under way, oldest first, and when they were begun. */
  readonly #lengths: number[] = [];
  readonly #begunMs: number[] = [];
  #waiters: Waiter[] = [];
  #writer: EventWriter | undefined;
  #sequence = 0;
  #startedMs = 0;
  #wallOffsetMs = 0;
  #pendingBytes = 0;
  #sent = 0;
  #done = 0;
  #lost = 0;
  #isTimed = false;
  #isUrgent = false;
  #isFlushDue = false;
  #isClosed = false;

  constructor({ port, state, thread, count }: PenEnd, options: PenOptions) {
    this.#port = port;
    this.#state = new Int32Array(state);
    this.#thread = thread;
    this.#count = new Float64Array(count ?? new ArrayBuffer(Float64Array.BYTES_PER_ELEMENT));
    this.#clock = options.clock;
    this.#flushMsMax = options.flushMsMax ?? 2;
    this.#pendingBytesMax = options.pendingBytesMax ?? 64 * 1024 * 1024;
    this.#behindBytes = Math.min(options.behindBytes ?? 16 * 1024 * 1024, this.#pendingBytesMax);
    this.#hardBytesMax = this.#pendingBytesMax + (options.reserveBytesMax ?? 4 * 1024 * 1024);
    this.#originNs = Number(options.clock.monotonicNs()) - options.clock.monotonicMs() * 1e6;
    port.on('message', (packet: DonePacket | FailedPacket) => this.#receive(packet));
    port.on('close', () => this.#end());
    port.unref();
  }

  /** Nothing may be begun that would have to be recorded. */
  get isFull(): boolean {
    return this.#state[0] !== states.writing || this.#pendingBytes >= this.#pendingBytesMax || this.#isClosed;
  }

  /** The disk does not follow: what can wait should, so that nothing has to be refused. Also when `isFull`. */
  get isBehind(): boolean {
    return this.#pendingBytes >= this.#behindBytes || this.isFull;
  }

  /** @throws HostError `HOST_ERR_AUDIT_FULL` with why, when `isFull`: for those who refuse by throwing */
  assertRoom(): void {
    if (this.isFull) throw this.#fullError();
  }

  /** Bytes of events that are not durable yet. */
  get pendingBytes(): number {
    return this.#pendingBytes + (this.#writer?.cbor.at ?? 0);
  }

  /** Milliseconds for which the oldest event that is not durable has waited. */
  get lagMs(): number {
    const isEmpty = this.#writer === undefined || this.#writer.cbor.at === 0;
    const begunMs = this.#begunMs[0] ?? (isEmpty ? undefined : this.#startedMs);
    return begunMs === undefined ? 0 : Math.max(0, this.#clock.monotonicMs() - begunMs);
  }

  /**
   * Records that something happened. `agent` and `principal` may be empty: there is none.
   * @throws HostError `HOST_ERR_AUDIT_FULL` when even the reserve is used up; the event is counted as lost
   */
  append<K extends Kind>(kind: K, agent: string, principal: string, ...fields: FieldsOf<K>): void {
    const list = fields as readonly Field[];
    this.put(kind, agent, principal, list[0], list[1], list[2], list[3], list[4], list[5]);
  }

  /** As `append`, where it happens for every message: a list of the fields would cost as much as the rest. */
  put(
    kind: Kind,
    agent: string,
    principal: string,
    a?: Field,
    b?: Field,
    c?: Field,
    d?: Field,
    e?: Field,
    f?: Field,
  ): void {
    let bytesMax = baseBytesMax(agent, principal);
    const count = fieldCounts[kind] as number;
    if (count > 0) bytesMax += fieldBytesBound(a);
    if (count > 1) bytesMax += fieldBytesBound(b);
    if (count > 2) bytesMax += fieldBytesBound(c);
    if (count > 3) bytesMax += fieldBytesBound(d);
    if (count > 4) bytesMax += fieldBytesBound(e);
    if (count > 5) bytesMax += fieldBytesBound(f);
    if (bytesMax > eventBytesMax) {
      this.#appendShortened(kind, agent, principal, [a, b, c, d, e, f]);
      return;
    }
    const nowMs = this.#clock.monotonicMs();
    const writer = this.#roomFor(bytesMax, nowMs);
    const { cbor } = writer;
    const from = cbor.at;
    cbor.at = from + frameBytes;
    this.#sequence += 1;
    this.#count[0] = this.#sequence;
    writer.begin(kind, count, this.#thread, this.#sequence);
    cbor.uint(Math.floor(nowMs + this.#wallOffsetMs));
    cbor.uint(Math.floor(nowMs * 1e6 + this.#originNs));
    writer.name(agent);
    writer.name(principal);
    if (count > 0) writer.field(a);
    if (count > 1) writer.field(b);
    if (count > 2) writer.field(c);
    if (count > 3) writer.field(d);
    if (count > 4) writer.field(e);
    if (count > 5) writer.field(f);
    const length = cbor.at - from - frameBytes;
    const bits = writer.isPersonal ? personalBit : writer.digestOf === undefined ? 0 : digestBit;
    cbor.bytes.writeUInt32LE(length + bits, from);
    if (writer.digestOf !== undefined) addDigest(cbor, writer.digestAt - from - frameBytes, writer.digestOf);
  }

  /** Resolves when all that was appended so far is on the disk, under a seal. @throws HostError `HOST_ERR_AUDIT_UNWRITABLE` when it is not: it may still get there */
  flushed(): Promise<void> {
    const isEmpty = this.#writer === undefined || this.#writer.cbor.at === 0;
    if (isEmpty && this.#done === this.#sent) return Promise.resolve();
    if (this.#isClosed || this.#state[0] !== states.writing) return Promise.reject(this.#fullError());
    if (!isEmpty) this.#flushSoon();
    else if (this.#waiters.length === 0) this.#port.postMessage({ kind: 'hurry' });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiters.push({ block: this.#sent + (isEmpty ? 0 : 1), resolve, reject });
    this.#port.ref();
    return promise;
  }

  /** Hands over what is left. The pen is not used afterwards. */
  async close(): Promise<void> {
    try {
      await this.flushed();
    } finally {
      this.#isClosed = true;
      this.#port.close();
    }
  }

  #appendShortened(kind: Kind, agent: string, principal: string, fields: (Field | undefined)[]): void {
    const [a, b, c, d, e, f] = fields.map(shortened);
    const [who, by] = [agent.slice(0, namesCharsMax), principal.slice(0, namesCharsMax)];
    this.put(kind, who, by, a, b, c, d, e, f);
  }

  #roomFor(bytesMax: number, nowMs: number): EventWriter {
    let writer = this.#writer;
    if (writer !== undefined && writer.cbor.at > 0) {
      const isLate = nowMs - this.#startedMs >= this.#flushMsMax;
      if (!isLate && writer.cbor.at + frameBytes + bytesMax <= blockBytes) return writer;
      this.#flush();
      writer = this.#writer;
    }
    if (this.#pendingBytes >= this.#hardBytesMax || this.#isClosed) {
      this.#lost += 1;
      throw this.#fullError();
    }
    writer ??= new EventWriter(this.#spare.pop() ?? new ArrayBuffer(blockBytes));
    this.#writer = writer;
    this.#startedMs = nowMs;
    this.#wallOffsetMs = Number(this.#clock.wallNs()) / 1e6 - nowMs;
    if (!this.#isTimed) this.#flushLater(this.#flushMsMax);
    if (this.#lost > 0) this.#tellLost();
    return writer;
  }

  #tellLost(): void {
    const lost = this.#lost;
    this.#lost = 0;
    this.append(kinds.eventsLost, '', '', lost, null);
  }

  #flushLater(ms: number): void {
    this.#isTimed = true;
    this.#clock.sleep(ms).then(() => {
      this.#isTimed = false;
      if (this.#writer === undefined || this.#writer.cbor.at === 0 || this.#isClosed) return;
      const leftMs = this.#startedMs + this.#flushMsMax - this.#clock.monotonicMs();
      if (leftMs > 0) this.#flushLater(leftMs);
      else this.#flush();
    });
  }

  /** At the end of this turn of the event loop, so that many who wait share one block. */
  #flushSoon(): void {
    this.#isUrgent = true;
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    setImmediate(() => {
      this.#isFlushDue = false;
      if (!this.#isClosed) this.#flush();
    });
  }

  #flush(): void {
    const cbor = this.#writer?.cbor;
    if (cbor === undefined || cbor.at === 0) return;
    this.#writer = undefined;
    const length = cbor.at;
    const buffer = cbor.bytes.buffer;
    this.#pendingBytes += length;
    this.#lengths.push(length);
    this.#begunMs.push(this.#startedMs);
    this.#sent += 1;
    const packet: BlockPacket = { kind: 'block', buffer, length, isUrgent: this.#isUrgent };
    this.#isUrgent = false;
    this.#port.postMessage(packet, [buffer]);
  }

  #receive(packet: DonePacket | FailedPacket): void {
    if (packet.kind === 'failed') {
      this.#reject(unwritable(packet.message));
      return;
    }
    for (const length of this.#lengths.splice(0, packet.blocks)) this.#pendingBytes -= length;
    this.#begunMs.splice(0, packet.blocks);
    this.#done += packet.blocks;
    for (const buffer of packet.buffers) if (this.#spare.length < spareBlocksMax) this.#spare.push(buffer);
    while (this.#waiters[0] !== undefined && this.#waiters[0].block <= this.#done)
      this.#waiters.shift()?.resolve();
    if (this.#waiters.length === 0) this.#port.unref();
  }

  #end(): void {
    this.#isClosed = true;
    this.#reject(unwritable('the thread that writes the chain has ended'));
  }

  #reject(error: HostError): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const { reject } of waiters) reject(error);
    this.#port.unref();
  }

  #fullError(): HostError {
    const why =
      this.#isClosed || this.#state[0] === states.ended
        ? 'the audit chain is closed'
        : this.#state[0] === states.refusing
          ? 'the audit chain cannot be written; make room or mend the disk, the host tries again by itself'
          : `${this.#pendingBytes} bytes wait for the audit chain, the limit (pendingBytesMax) is ${this.#pendingBytesMax}; try again`;
    const message = `nothing is begun that cannot be recorded: ${why}`;
    return new HostError('HOST_ERR_AUDIT_FULL', message, { pendingBytes: this.#pendingBytes });
  }
}

/** Behind an event: see `digestBit`. */
function addDigest(cbor: CborWriter, place: number, of: Uint8Array): void {
  const { bytes, at } = cbor;
  const { length } = of;
  bytes[at] = place;
  bytes[at + 1] = place >>> 8;
  bytes[at + 2] = length;
  bytes[at + 3] = length >>> 8;
  bytes.set(of, at + digestHeadBytes);
  cbor.at = at + digestHeadBytes + length;
}

function unwritable(why: string): HostError {
  return new HostError('HOST_ERR_AUDIT_UNWRITABLE', `what happened is not on the disk yet: ${why}`);
}
