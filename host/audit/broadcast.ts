import type { MessagePort } from 'node:worker_threads';

/** What a reader of the live stream gets: entries as in the file. */
export interface EntriesPacket {
  readonly kind: 'entries';
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly firstSequence: number;
  /** Events before these that were not sent, because the reader was too slow. */
  readonly missed: number;
}

/** From the reader: so many bytes were read. */
export interface TookPacket {
  readonly bytes: number;
}

interface Reader {
  readonly port: MessagePort;
  unreadBytes: number;
  missed: number;
}

/** Bytes that a reader may have before it; beyond it events are left out and counted. */
export const unreadBytesMax: number = 4 * 1024 * 1024;
export const readersMax = 64;

/** Sends durable events to whoever reads along, never waiting for anybody. */
export class Broadcast {
  readonly #readers = new Set<Reader>();

  add(port: MessagePort): void {
    if (this.#readers.size >= readersMax) {
      port.close();
      return;
    }
    const reader: Reader = { port, unreadBytes: 0, missed: 0 };
    this.#readers.add(reader);
    port.on('message', ({ bytes }: TookPacket) => {
      reader.unreadBytes -= bytes;
    });
    port.on('close', () => this.#readers.delete(reader));
  }

  send(entries: Buffer, firstSequence: number, events: number): void {
    for (const reader of this.#readers) {
      if (reader.unreadBytes > 0 && reader.unreadBytes + entries.length > unreadBytesMax) {
        reader.missed += events;
        continue;
      }
      const bytes = new Uint8Array(entries);
      const { missed } = reader;
      reader.missed = 0;
      reader.unreadBytes += bytes.length;
      const packet: EntriesPacket = { kind: 'entries', bytes, firstSequence, missed };
      reader.port.postMessage(packet, [bytes.buffer]);
    }
  }

  close(): void {
    for (const { port } of this.#readers) port.close();
  }
}
