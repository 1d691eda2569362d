import { FileError } from '../files/file-error.ts';
import type { OpenFile } from '../files/port.ts';
import { fileFailure } from './file-codes.ts';
import type { Holding } from './held-bytes.ts';
import { BufferedSink } from './sink.ts';
import { PullSource, type Soon } from './source.ts';

/** An open file shared by its descriptor and the streams made from it: closed when the last of them is dropped. */
export class SharedFile {
  readonly file: OpenFile;
  #users = 1;

  constructor(file: OpenFile) {
    this.file = file;
  }

  retain(): OpenFile {
    this.#users += 1;
    return this.file;
  }

  release(): void {
    this.#users -= 1;
    if (this.#users === 0) this.file.close();
  }
}

/** The file's bytes from `offset` on; ends where the file ends. */
export function fileSource(shared: SharedFile, offset: bigint, held: Holding): PullSource {
  const file = shared.retain();
  let at = offset;
  const taken = (into: Uint8Array, count: number): Uint8Array | undefined => {
    at += BigInt(count);
    return count === 0 ? undefined : into.subarray(0, count);
  };
  const pull = (bytesMax: number): Soon<Uint8Array | undefined> => {
    const into = new Uint8Array(bytesMax);
    const count = file.read(into, at);
    return typeof count === 'number' ? taken(into, count) : count.then((later) => taken(into, later));
  };
  return new PullSource(pull, fileFailure, () => shared.release(), held);
}

/** Writes from `offset` on, or at the end of the file when it is undefined. */
export function fileSink(shared: SharedFile, offset: bigint | undefined, held: Holding): BufferedSink {
  const file = shared.retain();
  let at = offset ?? 0n;
  const step = (bytes: Uint8Array): Soon<number> =>
    offset === undefined ? file.append(bytes) : file.write(bytes, at);
  const writeRest = async (bytes: Uint8Array, first: Soon<number>): Promise<void> => {
    let left = bytes;
    for (let count = await first; ; count = await step(left)) {
      if (count === 0) throw new FileError('io');
      at += BigInt(count);
      left = left.subarray(count);
      if (left.length === 0) return;
    }
  };
  return new BufferedSink({
    write: (bytes) => {
      const count = step(bytes);
      if (count !== bytes.length) return writeRest(bytes, count);
      at += BigInt(count);
      return undefined;
    },
    end: async () => shared.release(),
    fail: fileFailure,
    held,
  });
}
