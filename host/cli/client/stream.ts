import { descriptorSink, isReaderGone } from '../stdio.ts';

/** The server speaks every 15 seconds, if only a comment: three of them missing is a lost connection. */
export const streamSilenceMsMax = 60_000;

/**
 * Writes pieces to stdout as they come, at most `countMax` of them.
 * @returns when all are written, or a reader that wanted no more (`head`) went away
 */
export async function writeEach(pieces: AsyncIterable<Uint8Array | string>, countMax: number): Promise<void> {
  const stdout = descriptorSink(1);
  let count = 0;
  for await (const piece of pieces) {
    try {
      await stdout.write(typeof piece === 'string' ? Buffer.from(piece) : piece);
    } catch (error) {
      if (isReaderGone(error)) return;
      throw error;
    }
    count += 1;
    if (count >= countMax) return;
  }
}
