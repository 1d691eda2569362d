import type { Wheel } from '../clock/wheel.ts';
import type { Frame, Links, MessageFrame } from './frame-kinds.ts';

const againMs = 4;

/**
 * Frames to other threads. A message may be refused when the way is full, its sender is told. What the buses
 * owe each other may not: it waits here, and nothing overtakes it. Its number is bounded by what was asked
 * before (one answer a request, one `room` a receiver).
 */
export class Outbox {
  readonly #links: Links;
  readonly #wheel: Wheel;
  readonly #againKind: number;
  readonly #waiting = new Map<number, Frame[]>();

  constructor(links: Links, wheel: Wheel) {
    this.#links = links;
    this.#wheel = wheel;
    this.#againKind = wheel.kind((thread) => this.#again(thread));
  }

  /** Frames that wait for a way to be free. */
  get waiting(): number {
    let count = 0;
    for (const frames of this.#waiting.values()) count += frames.length;
    return count;
  }

  /** False: the way is full. */
  message(thread: number, frame: MessageFrame): boolean {
    return !this.#waiting.has(thread) && this.#links.post(thread, frame);
  }

  owed(thread: number, frame: Frame): void {
    const frames = this.#waiting.get(thread);
    if (frames !== undefined) frames.push(frame);
    else if (!this.#links.post(thread, frame)) {
      this.#waiting.set(thread, [frame]);
      this.#armAgain(thread);
    }
  }

  /** To every thread but this one. */
  owedToAll(frame: Frame): void {
    for (let thread = 0; thread < this.#links.threads; thread++)
      if (thread !== this.#links.self) this.owed(thread, frame);
  }

  /** A thread is gone. */
  forget(thread: number): void {
    this.#waiting.delete(thread);
  }

  /** Tries again what waits for a thread. */
  #again(thread: number): void {
    const frames = this.#waiting.get(thread);
    if (frames === undefined) return;
    let sent = 0;
    for (; sent < frames.length; sent++) {
      const frame = frames[sent];
      if (frame !== undefined && !this.#links.post(thread, frame)) break;
    }
    frames.splice(0, sent);
    if (frames.length === 0) this.#waiting.delete(thread);
    else this.#armAgain(thread);
  }

  #armAgain(thread: number): void {
    this.#wheel.after(this.#againKind, thread, againMs);
  }
}
