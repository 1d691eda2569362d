import { fs } from '../builtin.ts';
import type { InputSource, OutputSink } from '../host.ts';

/** Asked of `node:tty` only for a character device: it loads sockets and streams. */
function isTerminal(descriptor: number): boolean {
  try {
    return (
      fs.fstatSync(descriptor).isCharacterDevice() && process.getBuiltinModule('node:tty').isatty(descriptor)
    );
  } catch {
    return false;
  }
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
    isTerminal: isTerminal(0),
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

/**
 * The process's stdout (1) or stderr (2). Files and terminals are written at once, which spares a short run
 * the loading of Node's streams; pipes go through the stream, whose back pressure the guest then feels.
 */
export function descriptorSink(descriptor: 1 | 2): OutputSink {
  const stat = fs.fstatSync(descriptor);
  const writesAtOnce = stat.isFile() || stat.isCharacterDevice();
  return {
    isTerminal: isTerminal(descriptor),
    write: writesAtOnce ? atOnce(descriptor) : throughStream(descriptor),
  };
}

function atOnce(descriptor: 1 | 2): OutputSink['write'] {
  return async (bytes) => {
    for (let at = 0; at < bytes.length; ) at += fs.writeSync(descriptor, bytes, at);
  };
}

function throughStream(descriptor: 1 | 2): OutputSink['write'] {
  let stream: NodeJS.WriteStream | undefined;
  return (bytes) => {
    if (stream === undefined) {
      stream = descriptor === 1 ? process.stdout : process.stderr;
      // A reader that went away is told to the writer through its callback, not as an uncaught event.
      stream.on('error', () => {});
    }
    const target = stream;
    return new Promise((resolve, reject) =>
      target.write(bytes, (error) => (error ? reject(error) : resolve())),
    );
  };
}

/** Output kept in memory, bounded by the run's own output limit. */
export function captureSink(): OutputSink & { bytes(): Uint8Array } {
  const chunks: Uint8Array[] = [];
  return {
    isTerminal: false,
    write: async (bytes) => {
      chunks.push(bytes.slice());
    },
    bytes: () => Buffer.concat(chunks),
  };
}
