import type { MessageFrame } from '../host/bus/frame-kinds.ts';
import type { LinkEnds } from '../host/bus/links.ts';

/** What a reading thread of `ring.ts` does. */
export type RingRole =
  | { readonly kind: 'raw'; readonly ring: SharedArrayBuffer }
  | { readonly kind: 'frames'; readonly own: LinkEnds }
  | { readonly kind: 'echo'; readonly own: LinkEnds }
  | { readonly kind: 'cloned' }
  | { readonly kind: 'echo-cloned' }
  | { readonly kind: 'echo-atomic'; readonly turns: SharedArrayBuffer };

/** One of a stream: its number is where the reader checks the order. */
export function streamFrame(number: number, body: Uint8Array): MessageFrame {
  return {
    kind: 'message',
    to: [number & 1023],
    entries: [],
    message: {
      id: idPrefix + number,
      subject: 'agent.receiver-17',
      sender: 'sender-4',
      replyTo: undefined,
      sentAtNs,
      deadlineNs: undefined,
      attempt: 1,
      contentType: 'application/octet-stream',
      headers: [],
      body,
    },
    guarantee: 'at-most-once',
    from: 4,
    request: number,
    thread: 0,
  };
}

const idPrefix = '01jd8x9v2w6k3m-';
const sentAtNs = 1_700_000_000_000_000_000n;

export function pingFrame(body: Uint8Array): MessageFrame {
  return streamFrame(1, body);
}

const spinsMax = 100;
const napMs = 0.1;
const never = new Int32Array(new SharedArrayBuffer(4));

/** Waits for the other end for the `turn`-th time in a row: both may have to share one core. */
export function pause(turn: number): void {
  if (turn < spinsMax) Atomics.pause();
  else Atomics.wait(never, 0, 0, napMs);
}
