import { fs } from '../builtin.ts';
import type { InputSource, OutputSink } from '../host.ts';

/** Major device number of Linux's memory devices, `/dev/null` among them: characters, but nobody sits there. */
const memoryDeviceMajor = 1;

/** Asked of `node:tty` only for what may be a terminal: it loads sockets and streams, 3 ms. */
export function isTerminal(descriptor: number): boolean {
  try {
    const stat = fs.fstatSync(descriptor);
    if (!stat.isCharacterDevice() || stat.rdev >> 8 === memoryDeviceMajor) return false;
    return process.getBuiltinModule('node:tty').isatty(descriptor);
  } catch {
    return false;
  }
}

/** Whether a write failed because nobody reads any more, as after `head`: a pipe says EPIPE, a socket may say ECONNRESET. */
export function isReaderGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EPIPE' || error.code === 'ECONNRESET');
}

let isStdinOpen = false;

/** Lets go of stdin: a read that was under way would keep the process alive after its program ended. */
export function closeStdin(): void {
  if (isStdinOpen) process.stdin.destroy();
}

/** The process's standard input, opened only when the guest reads it: an untouched stdin costs nothing and holds nothing open. */
export function stdinSource(): InputSource {
  let chunks: AsyncIterator<Uint8Array> | undefined;
  let rest: Uint8Array = new Uint8Array(0);
  return {
    get isTerminal() {
      return isTerminal(0);
    },
    read: async (bytesMax) => {
      isStdinOpen = true;
      chunks ??= process.stdin[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
      while (rest.length === 0) {
        const next = await chunks.next();
        if (next.done === true) return undefined;
        rest = next.value;
      }
      const taken = rest.slice(0, bytesMax);
      rest = rest.subarray(taken.length);
      return taken;
    },
  };
}

/** Input that is at its end from the start. */
export const noInput: InputSource = { isTerminal: false, read: async () => undefined };

/** Input from memory. */
export function bytesSource(bytes: Uint8Array): InputSource {
  let rest = bytes;
  return {
    isTerminal: false,
    read: async (bytesMax) => {
      if (rest.length === 0) return undefined;
      const taken = rest.slice(0, bytesMax);
      rest = rest.subarray(taken.length);
      return taken;
    },
  };
}

/** What a pipe takes at once without its reader: Linux gives it 64 KiB; a quarter leaves room for what others wrote. */
const pipeBytesAtOnceMax = 16 * 1024;

/**
 * The process's stdout (1) or stderr (2). Files and terminals are written at once. A pipe gets its first bytes
 * at once too, which spares a short run the loading of Node's streams; all further go through a non-blocking
 * stream, whose back pressure the guest feels and which a stuck reader cannot turn into a stuck host.
 */
export function descriptorSink(descriptor: 1 | 2): OutputSink & { readonly failure: Error | undefined } {
  const stat = fs.fstatSync(descriptor);
  const isPipe = stat.isFIFO() || stat.isSocket();
  let leftAtOnceBytes = isPipe ? pipeBytesAtOnceMax : Number.POSITIVE_INFINITY;
  let stream: Promise<WriteStream> | undefined;
  let failure: Error | undefined;
  const write = async (bytes: Uint8Array): Promise<void> => {
    let written = 0;
    if (stream === undefined && bytes.length <= leftAtOnceBytes) {
      written = writeNow(descriptor, bytes);
      leftAtOnceBytes -= written;
    }
    if (written === bytes.length) return;
    stream ??= openStream(descriptor);
    await writeThrough(await stream, bytes.subarray(written));
  };
  return {
    get isTerminal() {
      return isTerminal(descriptor);
    },
    // Kept as well as thrown: a guest may have ended before its last bytes are refused.
    get failure() {
      return failure;
    },
    write: async (bytes) => {
      try {
        await write(bytes);
      } catch (error) {
        failure ??= error instanceof Error ? error : new Error(String(error));
        throw error;
      }
    },
  };
}

type WriteStream = Pick<import('node:net').Socket, 'write'>;

/** Writes as much as goes without waiting; how many bytes that were. */
function writeNow(descriptor: 1 | 2, bytes: Uint8Array): number {
  let at = 0;
  try {
    while (at < bytes.length) at += fs.writeSync(descriptor, bytes, at);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
  }
  return at;
}

async function openStream(descriptor: 1 | 2): Promise<WriteStream> {
  const { Socket } = await import('node:net');
  const socket = new Socket({ fd: descriptor, readable: false, writable: true });
  // A reader that went away is told to the writer through its callback, not as an uncaught event.
  socket.on('error', () => {});
  return socket;
}

function writeThrough(stream: WriteStream, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

/** Output kept in memory, bounded by the run's own output limit: one buffer, however small the pieces are. */
export function captureSink(): OutputSink & { bytes(): Uint8Array } {
  let kept = Buffer.alloc(4096);
  let length = 0;
  return {
    isTerminal: false,
    write: async (bytes) => {
      if (length + bytes.length > kept.length) {
        const grown = Buffer.alloc(Math.max(kept.length * 2, length + bytes.length));
        kept.copy(grown, 0, 0, length);
        kept = grown;
      }
      kept.set(bytes, length);
      length += bytes.length;
    },
    bytes: () => kept.subarray(0, length),
  };
}
