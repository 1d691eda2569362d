import { type Answer, done, refused } from './asked.ts';
import { Channel } from './channel.ts';
import type { Waits } from './waits.ts';

export interface ChannelsOptions {
  readonly waits: Waits;
  /** Default 10,000. */
  readonly channelsMax?: number;
  /** Of what all channels hold together; default 64 MiB. */
  readonly bytesMax?: number;
  /** Of what one of them holds; default 16 MiB. */
  readonly channelBytesMax?: number;
  /** Of one value; default 1 MiB. */
  readonly valueBytesMax?: number;
}

/** What one value takes besides its bytes. */
const valueBytesExtra = 128;
const valuesDefault = 1024;

/** The channels of a host by their names: they are there from the first use on, until they are closed and empty. */
export class Channels {
  readonly #waits: Waits;
  readonly #channelsMax: number;
  readonly #bytesMax: number;
  readonly #channelBytesMax: number;
  readonly #valueBytesMax: number;
  readonly #channels = new Map<string, Held>();
  #bytes = 0;

  constructor({
    waits,
    channelsMax = 10_000,
    bytesMax = 64 * 1024 * 1024,
    channelBytesMax = 16 * 1024 * 1024,
    valueBytesMax = 1024 * 1024,
  }: ChannelsOptions) {
    this.#waits = waits;
    this.#channelsMax = channelsMax;
    this.#bytesMax = bytesMax;
    this.#channelBytesMax = channelBytesMax;
    this.#valueBytesMax = valueBytesMax;
  }

  get size(): number {
    return this.#channels.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Values in it; none for one that is not there. */
  lengthOf(name: string): number {
    return this.#channels.get(name)?.channel.length ?? 0;
  }

  /** `valuesMax` 0: the default. */
  open(name: string, valuesMax: number): Answer {
    const present = this.#channels.get(name)?.channel;
    if (present !== undefined && !present.isClosed) return done;
    if (present !== undefined && present.length > 0) return refused('closed');
    return this.#make(name, valuesMax) === undefined ? refused('full') : done;
  }

  async put(name: string, value: Uint8Array, waitMs: number, signal?: AbortSignal): Promise<Answer> {
    if (value.length > this.#valueBytesMax)
      return { kind: 'error', error: { tag: 'too-large', val: BigInt(this.#valueBytesMax) } };
    const held = this.#channels.get(name) ?? this.#make(name, 0);
    const bytes = value.length + valueBytesExtra;
    if (held === undefined || !this.#hasRoom(held, bytes)) return refused('full');
    // What waits for room takes room too.
    this.#weigh(held, bytes);
    const end = await held.channel.put(value, waitMs, signal);
    if (end === 'put') return done;
    this.#weigh(held, -bytes);
    return refused(end === 'refused' ? 'unavailable' : end === 'full' && waitMs > 0 ? 'timed-out' : end);
  }

  async take(name: string, waitMs: number, signal?: AbortSignal): Promise<Answer> {
    const held = this.#channels.get(name) ?? this.#make(name, 0);
    if (held === undefined) return refused('full');
    const taken = await held.channel.take(waitMs, signal);
    if (taken.kind === 'taken') {
      this.#weigh(held, -(taken.value.length + valueBytesExtra));
      return { kind: 'value', value: taken.value };
    }
    if (taken.kind === 'empty') return refused('timed-out');
    return refused(taken.kind === 'refused' ? 'unavailable' : taken.kind);
  }

  /** A value whose taker is gone is the next one taken. */
  putBack(name: string, value: Uint8Array): void {
    const held = this.#channels.get(name);
    if (held === undefined) return;
    this.#weigh(held, value.length + valueBytesExtra);
    held.channel.putBack(value);
  }

  /** Whoever comes later learns of it, until its place is wanted by another. */
  close(name: string): void {
    (this.#channels.get(name) ?? this.#make(name, 0))?.channel.close();
  }

  #hasRoom(held: Held, bytes: number): boolean {
    return this.#bytes + bytes <= this.#bytesMax && held.bytes + bytes <= this.#channelBytesMax;
  }

  #weigh(held: Held, bytes: number): void {
    held.bytes += bytes;
    this.#bytes += bytes;
  }

  #make(name: string, valuesMax: number): Held | undefined {
    if (!this.#channels.has(name) && this.#channels.size >= this.#channelsMax && !this.#evict())
      return undefined;
    const channel = new Channel<Uint8Array>({
      valuesMax: valuesMax === 0 ? valuesDefault : valuesMax,
      waits: this.#waits,
    });
    const held: Held = { channel, bytes: 0 };
    this.#channels.set(name, held);
    return held;
  }

  /** Room for another: one that is empty and for which nobody waits says little by being there. */
  #evict(): boolean {
    for (const [name, { channel }] of this.#channels) {
      if (channel.length > 0 || channel.isAwaited) continue;
      this.#channels.delete(name);
      return true;
    }
    return false;
  }
}

interface Held {
  readonly channel: Channel<Uint8Array>;
  bytes: number;
}
