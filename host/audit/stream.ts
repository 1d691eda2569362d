import { once } from 'node:events';
import type { MessagePort } from 'node:worker_threads';
import type { EntriesPacket, TookPacket } from './broadcast.ts';
import { recordsOf } from './entries.ts';
import { type AuditEvent, decodeEvent } from './event.ts';
import { type EventFilter, passes } from './filter.ts';

export interface StreamOptions {
  readonly filter?: EventFilter;
}

/** So many events were not sent because the reader was too slow; they are on the chain (`queryChain`). */
export interface Missed {
  readonly kind: 'missed';
  readonly events: number;
}

/** Durable events as they come. What waits for its reader is bounded by the sender (`unreadBytesMax`). */
export class EventStream implements AsyncIterable<AuditEvent | Missed> {
  readonly #port: MessagePort;
  readonly #filter: EventFilter;
  readonly #packets: EntriesPacket[] = [];
  #wake: (() => void) | undefined;
  #isClosed = false;

  constructor(port: MessagePort, { filter }: StreamOptions) {
    this.#port = port;
    this.#filter = filter ?? {};
    port.on('message', (packet: EntriesPacket) => {
      this.#packets.push(packet);
      this.#wake?.();
    });
    once(port, 'close').then(() => {
      this.#isClosed = true;
      this.#wake?.();
    });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<AuditEvent | Missed> {
    try {
      for (let packet = await this.#next(); packet !== undefined; packet = await this.#next()) {
        if (packet.missed > 0) yield { kind: 'missed', events: packet.missed };
        yield* this.#events(packet);
        this.#port.postMessage({ bytes: packet.bytes.length } satisfies TookPacket);
      }
    } finally {
      this.close();
    }
  }

  close(): void {
    this.#port.close();
  }

  async #next(): Promise<EntriesPacket | undefined> {
    while (this.#packets.length === 0 && !this.#isClosed) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
    return this.#packets.shift();
  }

  *#events({ bytes, firstSequence }: EntriesPacket): Generator<AuditEvent> {
    let sequence = firstSequence;
    for (const record of recordsOf(Buffer.from(bytes.buffer))) {
      const event = decodeEvent(sequence++, record);
      if (passes(event, this.#filter)) yield event;
    }
  }
}
