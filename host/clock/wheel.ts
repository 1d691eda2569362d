import assert from 'node:assert/strict';

/** What turns a wheel: one timer of the surroundings. */
export interface WheelDriver {
  /** Calls back once after about `delayMs`; takes the place of what was asked before. */
  start(delayMs: number): void;
  stop(): void;
}

export interface WheelOptions {
  /** Milliseconds since an arbitrary start, never back (`Clock.monotonicMs`). */
  readonly nowMs: () => number;
  /** Makes the driver; it calls `turn` when its time has come. Without one, somebody calls `Wheel.turn`. */
  readonly driver?: (turn: () => void) => WheelDriver;
  /** Timers armed at once; default 1,048,576. */
  readonly timersMax?: number;
}

/** Milliseconds of one slot: how late a timer may fire, besides the driver's own lateness. Never early. */
export const slotMs = 4;
const slots = 4096;
/** Index of the list of timers that are being fired. */
const firing = slots;
const firstNode = slots + 1;
const indexBits = 21;
const indexMask = 2 ** indexBits - 1;
const generations = 2 ** (31 - indexBits);
/** The furthest a timer may be: about 49 days. */
export const delayMsMax: number = slotMs * 2 ** 30;

/**
 * Timers by the hundred thousand: a hashed wheel whose lists live in typed arrays, so arming and cancelling
 * touch no object. A timer is a kind (what to call) and an owner (what to call it with).
 */
export class Wheel {
  readonly #nowMs: () => number;
  readonly #driver: WheelDriver | undefined;
  readonly #timersMax: number;
  readonly #kinds: ((owner: number) => void)[] = [];
  /** One bit a slot that has timers. */
  readonly #occupied = new Int32Array(slots / 32);
  #next: Int32Array<ArrayBuffer>;
  #prev: Int32Array<ArrayBuffer>;
  /** Tick at which a timer fires; wraps. For a free node, its generation is all that counts. */
  #due: Int32Array<ArrayBuffer>;
  #owner: Int32Array<ArrayBuffer>;
  #kind: Uint8Array<ArrayBuffer>;
  #generation: Uint16Array<ArrayBuffer>;
  /** Free nodes, linked by `#next`; 0: none. */
  #free = 0;
  #used = firstNode;
  #armed = 0;
  /** Every tick up to this one has been fired. */
  #tick: number;
  #drivenTick = 0;
  #isDriven = false;
  #isTurning = false;

  constructor(options: WheelOptions) {
    this.#nowMs = options.nowMs;
    this.#timersMax = Math.min(options.timersMax ?? 1_048_576, indexMask - firstNode);
    this.#driver = options.driver?.(() => this.#driven());
    this.#tick = tickOf(options.nowMs());
    const size = firstNode + 256;
    this.#next = new Int32Array(size);
    this.#prev = new Int32Array(size);
    this.#due = new Int32Array(size);
    this.#owner = new Int32Array(size);
    this.#kind = new Uint8Array(size);
    this.#generation = new Uint16Array(size);
    for (let list = 0; list < firstNode; list++) {
      this.#next[list] = list;
      this.#prev[list] = list;
    }
  }

  /** Timers that have not fired. */
  get armed(): number {
    return this.#armed;
  }

  /** Names what a kind of timer does. At most 255 kinds. */
  kind(fire: (owner: number) => void): number {
    assert(this.#kinds.length < 255, 'at most 255 kinds of timers');
    return this.#kinds.push(fire) - 1;
  }

  /**
   * Calls the kind with the owner (an Int32) at `atMs` on the wheel's clock or up to one slot later. Returns
   * a handle above 0, or 0 when `timersMax` are armed: then the caller does without.
   */
  arm(kind: number, owner: number, atMs: number): number {
    const node = this.#allocate();
    if (node === 0) return 0;
    let due = Math.ceil(atMs / slotMs) | 0;
    if (((due - this.#tick) | 0) <= 0) due = (this.#tick + 1) | 0;
    this.#due[node] = due;
    this.#owner[node] = owner;
    this.#kind[node] = kind;
    this.#append(due & (slots - 1), node);
    if (this.#driver !== undefined) this.#drive(due);
    return ((this.#generation[node] ?? 0) << indexBits) | node;
  }

  /** As `arm`, in `delayMs` from now. */
  after(kind: number, owner: number, delayMs: number): number {
    return this.arm(kind, owner, this.#nowMs() + delayMs);
  }

  /** Whether it was armed: a handle that fired or was cancelled is no error. */
  cancel(handle: number): boolean {
    const node = handle & indexMask;
    if (node < firstNode || node >= this.#used || this.#generation[node] !== handle >>> indexBits)
      return false;
    this.#unlink(node);
    this.#release(node);
    return true;
  }

  /** Fires what is due now and returns how many that were. What a timer arms meanwhile waits for the next turn. */
  turn(): number {
    if (this.#isTurning) return 0;
    this.#isTurning = true;
    try {
      const nowTick = tickOf(this.#nowMs());
      this.#collect(nowTick);
      return this.#fire();
    } finally {
      this.#isTurning = false;
    }
  }

  /** Cancels every timer. */
  stop(): void {
    this.#driver?.stop();
    this.#isDriven = false;
    for (let slot = 0; slot <= firing; slot++) {
      for (let node = this.#next[slot] ?? slot; node !== slot; node = this.#next[slot] ?? slot) {
        this.#unlink(node);
        this.#release(node);
      }
    }
  }

  /** Moves what is due from its slots to the list of what is being fired, in the order of its ticks. */
  #collect(nowTick: number): void {
    const passed = (nowTick - this.#tick) | 0;
    if (passed <= 0) return;
    const steps = Math.min(passed, slots);
    for (let step = 1; step <= steps; step++) {
      const slot = (nowTick - steps + step) & (slots - 1);
      if (((this.#occupied[slot >> 5] ?? 0) & (1 << (slot & 31))) !== 0) this.#collectSlot(slot, nowTick);
    }
    this.#tick = nowTick;
  }

  #collectSlot(slot: number, nowTick: number): void {
    let node = this.#next[slot] ?? slot;
    while (node !== slot) {
      const next = this.#next[node] ?? slot;
      if ((((this.#due[node] ?? 0) - nowTick) | 0) <= 0) {
        this.#unlink(node);
        this.#append(firing, node);
      }
      node = next;
    }
  }

  #fire(): number {
    let fired = 0;
    for (let node = this.#next[firing] ?? firing; node !== firing; node = this.#next[firing] ?? firing) {
      const owner = this.#owner[node] ?? 0;
      const fire = this.#kinds[this.#kind[node] ?? 0];
      this.#unlink(node);
      this.#release(node);
      fired++;
      fire?.(owner);
    }
    return fired;
  }

  #driven(): void {
    this.#isDriven = false;
    try {
      this.turn();
    } finally {
      if (this.#armed > 0) this.#drive(this.#nextTick());
    }
  }

  #drive(tick: number): void {
    if (this.#isTurning || (this.#isDriven && ((tick - this.#drivenTick) | 0) >= 0)) return;
    this.#isDriven = true;
    this.#drivenTick = tick;
    const nowMs = this.#nowMs();
    // The tick wraps, the difference to now does not.
    const ahead = (tick - (Math.floor(nowMs / slotMs) | 0)) | 0;
    this.#driver?.start(Math.max(0, ahead * slotMs - (nowMs % slotMs)));
  }

  /** The first tick whose slot has timers, due then or a round later. */
  #nextTick(): number {
    if ((this.#next[firing] ?? firing) !== firing) return (this.#tick + 1) | 0;
    const from = (this.#tick + 1) & (slots - 1);
    for (let word = 0; word <= slots / 32; word++) {
      const at = ((from >> 5) + word) & (slots / 32 - 1);
      let bits = this.#occupied[at] ?? 0;
      if (word === 0) bits &= -1 << (from & 31);
      if (bits === 0) continue;
      const slot = at * 32 + (31 - Math.clz32(bits & -bits));
      return (this.#tick + 1 + ((slot - from) & (slots - 1))) | 0;
    }
    return (this.#tick + slots) | 0;
  }

  #append(list: number, node: number): void {
    const last = this.#prev[list] ?? list;
    this.#next[last] = node;
    this.#prev[node] = last;
    this.#next[node] = list;
    this.#prev[list] = node;
    if (list < slots) this.#occupied[list >> 5] = (this.#occupied[list >> 5] ?? 0) | (1 << (list & 31));
  }

  #unlink(node: number): void {
    const next = this.#next[node] ?? 0;
    const prev = this.#prev[node] ?? 0;
    this.#next[prev] = next;
    this.#prev[next] = prev;
    // Alone between the ends of one list: the list is empty now.
    if (next === prev && next < slots)
      this.#occupied[next >> 5] = (this.#occupied[next >> 5] ?? 0) & ~(1 << (next & 31));
  }

  #allocate(): number {
    if (this.#armed >= this.#timersMax) return 0;
    this.#armed++;
    const node = this.#free;
    if (node !== 0) {
      this.#free = this.#next[node] ?? 0;
      return node;
    }
    if (this.#used === this.#next.length) this.#grow();
    return this.#used++;
  }

  #release(node: number): void {
    this.#armed--;
    // Handles of the timer that was stay without effect.
    this.#generation[node] = ((this.#generation[node] ?? 0) + 1) % generations;
    this.#next[node] = this.#free;
    this.#free = node;
  }

  #grow(): void {
    const size = this.#next.length * 2;
    this.#next = grown(this.#next, new Int32Array(size));
    this.#prev = grown(this.#prev, new Int32Array(size));
    this.#due = grown(this.#due, new Int32Array(size));
    this.#owner = grown(this.#owner, new Int32Array(size));
    this.#kind = grown(this.#kind, new Uint8Array(size));
    this.#generation = grown(this.#generation, new Uint16Array(size));
  }
}

function tickOf(ms: number): number {
  return Math.floor(ms / slotMs) | 0;
}

function grown<T extends Int32Array<ArrayBuffer> | Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer>>(
  from: T,
  to: T,
): T {
  to.set(from);
  return to;
}

/** A driver by `setTimeout`, which does not keep the process alive. */
export function timeoutDriver(turn: () => void): WheelDriver {
  let timer: NodeJS.Timeout | undefined;
  return {
    start: (delayMs) => {
      clearTimeout(timer);
      timer = setTimeout(turn, delayMs).unref();
    },
    stop: () => clearTimeout(timer),
  };
}
