import { type Answer, done, refused } from './asked.ts';
import { Channel } from './channel.ts';
import { type Holding, Holdings } from './holdings.ts';
import { Shares } from './shares.ts';
import type { Waits } from './waits.ts';

export interface ChannelsOptions {
  readonly waits: Waits;
  /** What each agent may have of them; default: the same for all. */
  readonly shares?: Shares;
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
  readonly #shares: Shares;
  readonly #holdings = new Holdings();
  readonly #channelsMax: number;
  readonly #bytesMax: number;
  readonly #channelBytesMax: number;
  readonly #valueBytesMax: number;
  readonly #channels = new Map<string, Held>();
  #bytes = 0;

  constructor({
    waits,
    shares = new Shares(),
    channelsMax = 10_000,
    bytesMax = 64 * 1024 * 1024,
    channelBytesMax = 16 * 1024 * 1024,
    valueBytesMax = 1024 * 1024,
  }: ChannelsOptions) {
    this.#waits = waits;
    this.#shares = shares;
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

  /** What an agent has of them. */
  of(agent: string): Holding {
    return this.#holdings.of(agent);
  }

  /** `valuesMax` 0: the default. */
  open(agent: string, name: string, valuesMax: number): Answer {
    const present = this.#channels.get(name)?.channel;
    if (present !== undefined && !present.isClosed) return done;
    if (present !== undefined && present.length > 0) return refused('closed');
    return this.#make(agent, name, valuesMax) === undefined ? refused('full') : done;
  }

  async put(
    agent: string,
    name: string,
    value: Uint8Array,
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<Answer> {
    if (value.length > this.#valueBytesMax)
      return { kind: 'error', error: { tag: 'too-large', val: BigInt(this.#valueBytesMax) } };
    const held = this.#channels.get(name) ?? this.#make(agent, name, 0);
    const put: Put = { agent, bytes: value };
    if (held === undefined || !this.#hasRoom(held, put)) return refused('full');
    // What waits for room takes room too.
    this.#add(held, put);
    const end = await held.channel.put(put, waitMs, signal);
    if (end === 'put') return done;
    this.#subtract(held, put);
    return refused(end === 'refused' ? 'unavailable' : end === 'full' && waitMs > 0 ? 'timed-out' : end);
  }

  async take(agent: string, name: string, waitMs: number, signal?: AbortSignal): Promise<Answer> {
    const held = this.#channels.get(name) ?? this.#make(agent, name, 0);
    if (held === undefined) return refused('full');
    const taken = await held.channel.take(waitMs, signal);
    if (taken.kind === 'taken') {
      this.#subtract(held, taken.value);
      return { kind: 'value', value: taken.value.bytes };
    }
    if (taken.kind === 'empty') return refused('timed-out');
    return refused(taken.kind === 'refused' ? 'unavailable' : taken.kind);
  }

  /** A value whose taker is gone is the next one taken; it is that taker's until then, and never refused. */
  putBack(agent: string, name: string, value: Uint8Array): void {
    const held = this.#channels.get(name);
    if (held === undefined) return;
    const put: Put = { agent, bytes: value };
    this.#add(held, put);
    held.channel.putBack(put);
  }

  /** Whoever comes later learns of it, until its place is wanted by another. */
  close(agent: string, name: string): void {
    (this.#channels.get(name) ?? this.#make(agent, name, 0))?.channel.close();
  }

  #hasRoom(held: Held, put: Put): boolean {
    const bytes = weightOf(put);
    if (this.#bytes + bytes > this.#bytesMax || held.bytes + bytes > this.#channelBytesMax) return false;
    const own = this.#holdings.of(put.agent);
    return (
      this.#shares.allows(put.agent, 'channelValuesMax', own.values + 1) &&
      this.#shares.allows(put.agent, 'channelBytesMax', own.bytes + bytes)
    );
  }

  #add(held: Held, put: Put): void {
    const bytes = weightOf(put);
    held.bytes += bytes;
    this.#bytes += bytes;
    this.#holdings.add(put.agent, bytes);
  }

  #subtract(held: Held, put: Put): void {
    const bytes = weightOf(put);
    held.bytes -= bytes;
    this.#bytes -= bytes;
    this.#holdings.subtract(put.agent, bytes);
  }

  #make(agent: string, name: string, valuesMax: number): Held | undefined {
    const present = this.#channels.get(name);
    if (present !== undefined) this.#forget(name, present);
    if (!this.#hasPlace(agent)) return undefined;
    const channel = new Channel<Put>({
      valuesMax: valuesMax === 0 ? valuesDefault : valuesMax,
      waits: this.#waits,
    });
    const held: Held = { maker: agent, channel, bytes: 0 };
    this.#channels.set(name, held);
    this.#holdings.made(agent, name);
    return held;
  }

  /** Whether there is room for another, of the agent's and in the host, or can be made. */
  #hasPlace(agent: string): boolean {
    const own = this.#holdings.of(agent).channels;
    if (own.size >= this.#shares.limitsOf(agent).channelsMax && !this.#evict(own))
      return this.#shares.allows(agent, 'channelsMax', own.size + 1);
    return this.#channels.size < this.#channelsMax || this.#evict(this.#channels.keys());
  }

  /** Room for another: one that is empty and for which nobody waits says little by being there. */
  #evict(names: Iterable<string>): boolean {
    for (const name of names) {
      const held = this.#channels.get(name);
      if (held === undefined || held.channel.length > 0 || held.channel.isAwaited) continue;
      this.#forget(name, held);
      return true;
    }
    return false;
  }

  #forget(name: string, { maker }: Held): void {
    this.#channels.delete(name);
    this.#holdings.gone(maker, name);
  }
}

/** A value, and who put it. */
interface Put {
  readonly agent: string;
  readonly bytes: Uint8Array;
}

function weightOf({ bytes }: Put): number {
  return bytes.length + valueBytesExtra;
}

interface Held {
  readonly maker: string;
  readonly channel: Channel<Put>;
  bytes: number;
}
