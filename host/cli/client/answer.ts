import type { IncomingMessage } from 'node:http';
import { HostError } from '../../errors.ts';

/** Status and headers have come; the body is still to be read. */
export type Answer = IncomingMessage;

/** The body as it comes. @throws HostError `HOST_ERR_SERVER_UNREACHABLE` when the connection ends before it does */
export async function* chunksOf(answer: Answer): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) yield chunk;
  } catch (cause) {
    if (cause instanceof HostError) throw cause;
    throw new HostError(
      'HOST_ERR_SERVER_UNREACHABLE',
      'the host went away in the middle of its answer: it ended or was killed, or the way to it broke',
      {},
      cause,
    );
  }
}

/** The whole body. @throws HostError `HOST_ERR_MESSAGE_TOO_LARGE`; as `chunksOf` */
export async function bytesOf(answer: Answer, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let total = 0;
  for await (const chunk of chunksOf(answer)) {
    total += chunk.length;
    if (total > bytesMax) {
      answer.destroy();
      throw new HostError('HOST_ERR_MESSAGE_TOO_LARGE', `the answer is longer than ${bytesMax} bytes`, {
        bytesMax,
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The first value of a header. */
export function headerOf(answer: Answer, name: string): string | undefined {
  const value = answer.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
