import type { Frame } from './frame-kinds.ts';

interface Waiting {
  readonly frame: Frame;
  readonly bytes: number;
}

/** Frames that a full ring keeps waiting, first in first out; bounded by their bytes. */
export class Backlog {
  bytes = 0;
  readonly #bytesMax: number;
  #waiting: (Waiting | undefined)[] = [];
  #first = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get length(): number {
    return this.#waiting.length - this.#first;
  }

  get first(): Frame | undefined {
    return this.#waiting[this.#first]?.frame;
  }

  /** False: it would be more than `bytesMax`, and the frame is not kept. */
  push(frame: Frame, bytes: number): boolean {
    if (this.bytes + bytes > this.#bytesMax) return false;
    this.bytes += bytes;
    this.#waiting.push({ frame, bytes });
    return true;
  }

  /** Takes the first frame away. */
  shift(): void {
    this.bytes -= this.#waiting[this.#first]?.bytes ?? 0;
    this.#waiting[this.#first] = undefined;
    this.#first += 1;
    if (this.#first < compactMin || this.#first * 2 < this.#waiting.length) return;
    this.#waiting = this.#waiting.slice(this.#first);
    this.#first = 0;
  }
}

/** Frames taken before the array is cut: each is then moved at most once for each one taken. */
const compactMin = 64;
