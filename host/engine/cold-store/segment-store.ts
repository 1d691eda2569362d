import * as fs from 'node:fs';
import * as paths from 'node:path';
import type { BlockSeal } from '../../block-seal.ts';
import type { Clock } from '../../clock.ts';
import { HostError } from '../../errors.ts';
import { makeFolder } from '../../folder.ts';
import { systemFault } from '../../system-fault.ts';
import { corrupt, type Snapshot } from '../hibernation/snapshot.ts';
import { ColdIndex, type Place } from './cold-index.ts';
import type { ColdStore, StoredSnapshot } from './cold-store.ts';
import { bodyOf, encodeRecord, nameOf, type RecordHead, readHead, recordsOf } from './record.ts';
import { Segment } from './segment.ts';
import { pack, unpack } from './snapshot-codec.ts';

export interface SegmentStoreOptions {
  /** A folder of one thread's own. */
  readonly folder: string;
  readonly clock: Clock;
  /** Seals the states, each for its agent and generation; none: they lie there as they are. */
  readonly seal?: BlockSeal;
  /** Folders of threads that are no more: what they hold is moved here first. */
  readonly adopt?: readonly string[];
  /** Told of each agent that has a snapshot, while the store opens; one may be named twice. */
  readonly onFound?: (name: string) => void;
  /** When a file is this large the next is begun. Default 64 MiB. */
  readonly segmentBytesMax?: number;
  /** Of all files together. Default 64 GiB. */
  readonly bytesMax?: number;
  /** Of records that wait to be written. Default 64 MiB. */
  readonly pendingBytesMax?: number;
}

interface Waiting {
  readonly name: string;
  readonly generation: number;
  readonly record: Buffer;
  resolve(): void;
  reject(error: unknown): void;
}

const suffix = '.cold';
/** A sealed segment with less than this share of live bytes is written anew. */
const liveShareMin = 0.4;
const batchBytesMax = 4 * 1024 * 1024;
/** Of one snapshot, compressed. */
const recordBytesMax = 512 * 1024 * 1024;

/**
 * A `ColdStore` in append-only files, with the index in memory. Writes of one turn of the event loop go out
 * together; nothing here blocks the thread. What was put survives the end of the process at any moment, and
 * what of a power cut was not on the disk yet is found out by its checksums.
 */
export class SegmentStore implements ColdStore {
  readonly #options: Required<Omit<SegmentStoreOptions, 'adopt' | 'onFound' | 'seal'>>;
  readonly #seal: BlockSeal | undefined;
  readonly #index = new ColdIndex();
  readonly #segments = new Map<number, Segment>();
  #active: Segment | undefined;
  #nextId = 1;
  #lastGeneration = 0;
  /** The last operation under way on each name: the next waits for it. */
  readonly #pending = new Map<string, Promise<unknown>>();
  #queue: Waiting[] = [];
  #pendingBytes = 0;
  #bytes = 0;
  #writing: Promise<void> | undefined;
  #compacting: Promise<void> | undefined;
  #isClosed = false;

  private constructor(options: SegmentStoreOptions) {
    this.#options = {
      segmentBytesMax: 64 * 1024 * 1024,
      bytesMax: 64 * 1024 ** 3,
      pendingBytesMax: 64 * 1024 * 1024,
      ...options,
    };
    this.#seal = options.seal;
  }

  /** @throws HostError `HOST_ERR_STATE_UNWRITABLE` when the folder cannot be used */
  static async open(options: SegmentStoreOptions): Promise<SegmentStore> {
    const store = new SegmentStore(options);
    try {
      makeFolder(options.folder, 0o700);
      await store.#recover(options);
      if (options.seal?.takesUnsealed === true) await store.#sealOld(options.seal);
    } catch (thrown) {
      throw unwritable(thrown, options.folder);
    }
    return store;
  }

  get size(): number {
    return this.#index.size;
  }

  has(name: string): boolean {
    return this.#index.has(name);
  }

  async put(name: string, snapshot: Snapshot): Promise<number> {
    const { body, rawBytes } = await pack(snapshot);
    const generation = this.#nextGeneration();
    const sealed = this.#seal?.file(name).seal(generation, body);
    const record = encodeRecord(name, generation, sealed ?? body, rawBytes, sealed !== undefined);
    const full = this.#refusal(record.length);
    if (full !== undefined) throw full;
    // Counted before its turn comes, as it is held from here.
    this.#pendingBytes += record.length;
    await this.#inTurn(name, () => this.#write(name, generation, record)).finally(() => {
      this.#pendingBytes -= record.length;
    });
    return generation;
  }

  get(name: string): Promise<StoredSnapshot | undefined> {
    const waits = this.#pending.get(name);
    return waits === undefined
      ? this.#read(name)
      : waits.then(
          () => this.#read(name),
          () => this.#read(name),
        );
  }

  async delete(name: string, generation?: number): Promise<boolean> {
    return this.#inTurn(name, async () => {
      const place = this.#index.get(name);
      if (place === undefined || (generation !== undefined && place.generation !== generation)) return false;
      await this.#kill(place);
      this.#index.delete(name);
      this.#tidy(place.segment);
      return true;
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled([...this.#pending.values()]);
    await this.#writing;
    await this.#compacting;
    for (const segment of this.#segments.values()) await segment.close();
    this.#segments.clear();
  }

  #refusal(bytes: number): HostError | undefined {
    const { bytesMax, pendingBytesMax } = this.#options;
    if (this.#isClosed) return refused('the store is closed');
    if (bytes > recordBytesMax) return refused(`it takes ${bytes} bytes of at most ${recordBytesMax}`);
    if (this.#bytes + bytes > bytesMax) return refused(`snapshots fill the ${bytesMax} bytes they may`);
    if (this.#pendingBytes + bytes > pendingBytesMax) return refused('the disk is too slow for what waits');
    return undefined;
  }

  /** Microseconds since 1970, so that stores of different threads can be compared; always more than the last. */
  #nextGeneration(): number {
    this.#lastGeneration = Math.max(this.#lastGeneration + 1, Number(this.#options.clock.wallNs() / 1000n));
    return this.#lastGeneration;
  }

  /** One operation on a name after the other. */
  #inTurn<T>(name: string, act: () => Promise<T>): Promise<T> {
    const before = this.#pending.get(name);
    const result = before === undefined ? act() : before.then(act, act);
    this.#pending.set(name, result);
    const forget = (): void => {
      if (this.#pending.get(name) === result) this.#pending.delete(name);
    };
    result.then(forget, forget);
    return result;
  }

  async #read(name: string): Promise<StoredSnapshot | undefined> {
    const place = this.#index.get(name);
    const segment = place === undefined ? undefined : this.#segments.get(place.segment);
    if (place === undefined || segment === undefined) return undefined;
    const record = await segment.read(place.offset, place.bytes);
    const head = readHead(record, 0);
    const body = head === undefined ? undefined : bodyOf(record, head);
    if (head === undefined || body === undefined) throw corrupt('its checksum is wrong');
    if (nameOf(record, 0, head) !== name) return undefined;
    const snapshot = await unpack(this.#opened(name, head, body), head.rawBytes);
    return { snapshot, generation: head.generation };
  }

  #opened(name: string, { isSealed, generation }: RecordHead, body: Buffer): Buffer {
    if (!isSealed && this.#seal === undefined) return body;
    if (!isSealed) throw corrupt('it is not sealed, as all of this host are: somebody else put it there');
    if (this.#seal === undefined) throw corrupt('it is sealed, and there is no key');
    const opened = this.#seal.file(name).open(generation, body);
    if (opened === undefined)
      throw corrupt("its seal does not fit: changed, another agent's, or of another host's key");
    return Buffer.from(opened.buffer, opened.byteOffset, opened.byteLength);
  }

  /** States of a time before there were seals are written again, sealed; what they lay in goes. */
  async #sealOld(seal: BlockSeal): Promise<void> {
    for (const segment of [...this.#segments.values()]) {
      const bytes = await segment.readAll();
      const writes: Promise<void>[] = [];
      for (const { at, head } of recordsOf(bytes)) {
        const name = nameOf(bytes, at, head);
        const place = this.#index.get(name);
        if (head.isSealed || place?.segment !== segment.id || place.offset !== at) continue;
        const body = bodyOf(bytes.subarray(at, at + head.bytes), head);
        if (body === undefined) continue;
        const sealed = seal.file(name).seal(head.generation, body);
        writes.push(
          this.#write(
            name,
            head.generation,
            encodeRecord(name, head.generation, sealed, head.rawBytes, true),
          ),
        );
      }
      await Promise.all(writes);
      await this.#compacting;
      if (writes.length > 0 && segment.liveBytes === 0 && this.#segments.delete(segment.id)) {
        this.#bytes -= segment.end;
        await segment.remove();
      }
    }
  }

  #write(name: string, generation: number, record: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ name, generation, record, resolve, reject });
      this.#writing ??= this.#drain();
    });
  }

  async #drain(): Promise<void> {
    // What others put in this turn of the event loop goes out with it.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.#queue.length > 0) {
      const batch = this.#nextBatch();
      try {
        await this.#writeBatch(batch);
      } catch (thrown) {
        const error = unwritable(thrown, this.#options.folder);
        for (const each of batch) each.reject(error);
      }
    }
    // In the same breath as the look at the queue: what comes after it must start the next round.
    this.#writing = undefined;
  }

  #nextBatch(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { record } of this.#queue) {
      if (count > 0 && bytes + record.length > batchBytesMax) break;
      bytes += record.length;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  async #writeBatch(batch: readonly Waiting[]): Promise<void> {
    const segment = await this.#activeSegment();
    const bytes = batch.length === 1 ? batch[0]?.record : Buffer.concat(batch.map(({ record }) => record));
    if (bytes === undefined) return;
    let offset = await segment.append(bytes);
    this.#bytes += bytes.length;
    for (const waiting of batch) {
      const place = {
        segment: segment.id,
        offset,
        bytes: waiting.record.length,
        generation: waiting.generation,
      };
      offset += waiting.record.length;
      segment.liveBytes += place.bytes;
      this.#settle(waiting, place).then(waiting.resolve, waiting.reject);
    }
  }

  /** The record it takes the place of is dead before anybody hears of the new one: else it might come back. */
  async #settle({ name }: Waiting, place: Place): Promise<void> {
    const before = this.#index.get(name);
    this.#index.set(name, place);
    if (before === undefined) return;
    try {
      await this.#kill(before);
    } catch (thrown) {
      this.#index.set(name, before);
      await this.#kill(place).catch(() => {});
      throw thrown;
    }
    this.#tidy(before.segment);
  }

  async #kill({ segment, offset, bytes }: Place): Promise<void> {
    try {
      await this.#segments.get(segment)?.kill(offset, bytes);
    } catch (thrown) {
      throw unwritable(thrown, this.#options.folder);
    }
  }

  async #activeSegment(): Promise<Segment> {
    const active = this.#active;
    if (active !== undefined && active.end < this.#options.segmentBytesMax) return active;
    const id = this.#nextId;
    this.#nextId += 1;
    const segment = await Segment.create(id, this.#pathOf(id));
    this.#segments.set(id, segment);
    this.#active = segment;
    if (active !== undefined) this.#tidy(active.id);
    return segment;
  }

  #pathOf(id: number): string {
    return paths.join(this.#options.folder, `${String(id).padStart(8, '0')}${suffix}`);
  }

  /** Frees what a sealed segment wastes, one segment at a time, beside everything else. */
  #tidy(id: number): void {
    const segment = this.#segments.get(id);
    if (segment === undefined || segment === this.#active || this.#compacting !== undefined) return;
    if (segment.liveBytes >= segment.end * liveShareMin) return;
    this.#compacting = this.#compact(segment)
      // It is tried again with the next record of it that dies.
      .catch(() => {})
      .finally(() => {
        this.#compacting = undefined;
      });
  }

  async #compact(segment: Segment): Promise<void> {
    if (segment.liveBytes > 0) {
      const bytes = await segment.readAll();
      for (const { at, head } of recordsOf(bytes)) {
        if (this.#isClosed) return;
        const name = nameOf(bytes, at, head);
        const record = bytes.subarray(at, at + head.bytes);
        await this.#inTurn(name, async () => {
          const place = this.#index.get(name);
          if (place === undefined || place.segment !== segment.id || place.offset !== at) return;
          await this.#write(name, head.generation, record);
        });
      }
    }
    if (segment.liveBytes > 0) return;
    this.#segments.delete(segment.id);
    this.#bytes -= segment.end;
    await segment.remove();
  }

  async #recover({ folder, adopt = [], onFound }: SegmentStoreOptions): Promise<void> {
    this.#nextId = Math.max(0, ...segmentIds(folder)) + 1;
    for (const other of adopt) this.#adopt(other);
    for (const id of segmentIds(folder)) {
      const segment = await Segment.openExisting(id, this.#pathOf(id));
      this.#segments.set(id, segment);
      this.#bytes += segment.end;
      await this.#indexRecords(segment, onFound);
    }
    for (const segment of [...this.#segments.values()]) {
      if (segment.liveBytes > 0) continue;
      this.#segments.delete(segment.id);
      this.#bytes -= segment.end;
      await segment.remove();
    }
  }

  #adopt(folder: string): void {
    for (const id of segmentIds(folder)) {
      fs.renameSync(
        paths.join(folder, `${String(id).padStart(8, '0')}${suffix}`),
        this.#pathOf(this.#nextId),
      );
      this.#nextId += 1;
    }
  }

  async #indexRecords(segment: Segment, onFound: SegmentStoreOptions['onFound']): Promise<void> {
    const bytes = await segment.readAll();
    for (const { at, head } of recordsOf(bytes)) {
      if (!head.isLive) continue;
      const name = nameOf(bytes, at, head);
      const place = { segment: segment.id, offset: at, bytes: head.bytes, generation: head.generation };
      segment.liveBytes += head.bytes;
      this.#lastGeneration = Math.max(this.#lastGeneration, head.generation);
      const other = this.#index.get(name);
      // Two live ones: the process ended between a write and the mark on what it replaced.
      if (other !== undefined) await this.#kill(other.generation > head.generation ? place : other);
      if (other === undefined || other.generation <= head.generation) this.#index.set(name, place);
      if (other === undefined) onFound?.(name);
    }
  }
}

function segmentIds(folder: string): number[] {
  if (!fs.existsSync(folder)) return [];
  return fs
    .readdirSync(folder)
    .filter((name) => /^\d{8}\.cold$/.test(name))
    .map((name) => Number(name.slice(0, 8)))
    .sort((a, b) => a - b);
}

function refused(why: string): HostError {
  return new HostError(
    'HOST_ERR_STATE_UNWRITABLE',
    `an agent's state cannot be put on the disk: ${why}; it stays in memory`,
  );
}

function unwritable(thrown: unknown, folder: string): unknown {
  if (thrown instanceof HostError) return thrown;
  const reason = systemFault(thrown);
  return new HostError(
    'HOST_ERR_STATE_UNWRITABLE',
    `the state folder ${folder} cannot be written (${reason}); make room on the disk or choose another folder`,
    { folder },
    thrown,
  );
}
