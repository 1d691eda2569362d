import type { Payload } from './message.ts';

/** A message up to this size weighs nothing: their number bounds them, and most messages then cost no more. */
export const smallBytesMax = 1024;

/** The smallest amount of bytes that is counted. */
export const weightBytes = 1024;

/** What a message counts towards the bytes of a mailbox, in KiB of body and headers. */
export function weightOf({ body, headers }: Payload): number {
  let bytes = body.length;
  for (let at = 0; at < headers.length; at++) {
    const header = headers[at];
    if (header !== undefined) bytes += header.name.length + header.value.length;
  }
  return bytes <= smallBytesMax ? 0 : Math.ceil(bytes / weightBytes);
}
