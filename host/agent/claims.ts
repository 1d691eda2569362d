type Resume = () => void;

/** Agents that are looked at for those that want a turn. */
const looksMax = 65_536;

/**
 * Why agents of a thread want a turn: mail, or guests that gave way in the middle of a computation. Each that
 * does, or did lately, has a slot: a small integer, by which the run queue knows it.
 */
export class Claims {
  readonly #slots = new Map<number, number>();
  readonly #ids: number[] = [];
  readonly #mail: boolean[] = [];
  readonly #paused: (Resume[] | undefined)[] = [];
  readonly #free: number[] = [];
  /** Who was looked for last; nobody has the id 0. */
  #lastId = 0;
  #lastSlot = 0;
  /** Guests that gave way, and the agents whose they are. */
  paused = 0;
  pausedAgents = 0;

  /** `undefined`: it has none. */
  find(id: number): number | undefined {
    // Several times for one message.
    if (id === this.#lastId) return this.#lastSlot;
    const slot = this.#slots.get(id);
    if (slot === undefined) return undefined;
    this.#lastId = id;
    this.#lastSlot = slot;
    return slot;
  }

  /** A slot for an agent that has none. */
  make(id: number): number {
    const slot = this.#free.pop() ?? this.#ids.length;
    this.#slots.set(id, slot);
    this.#ids[slot] = id;
    this.#mail[slot] = false;
    this.#paused[slot] = undefined;
    return slot;
  }

  /** Gives a slot back that has no claim; false: it has one. */
  release(id: number, slot: number): boolean {
    if (this.#mail[slot] === true || this.#paused[slot] !== undefined) return false;
    this.#slots.delete(id);
    if (id === this.#lastId) this.#lastId = 0;
    this.#free.push(slot);
    return true;
  }

  /** Agents that want a turn, at most so many; the first to be found. */
  waiting(max: number): number[] {
    const ids: number[] = [];
    let looks = 0;
    for (const [id, slot] of this.#slots) {
      looks += 1;
      if (ids.length >= max || looks > looksMax) break;
      if (this.#mail[slot] === true || this.#paused[slot] !== undefined) ids.push(id);
    }
    return ids;
  }

  idOf(slot: number): number {
    return this.#ids[slot] as number;
  }

  hasMail(slot: number): boolean {
    return this.#mail[slot] as boolean;
  }

  setMail(slot: number, hasMail: boolean): void {
    this.#mail[slot] = hasMail;
  }

  hasPaused(slot: number): boolean {
    return this.#paused[slot] !== undefined;
  }

  pause(slot: number, resume: Resume): void {
    this.paused += 1;
    const paused = this.#paused[slot];
    if (paused === undefined) {
      this.#paused[slot] = [resume];
      this.pausedAgents += 1;
    } else paused.push(resume);
  }

  /** The guest of an agent that gave way first. */
  takePaused(slot: number): Resume | undefined {
    const paused = this.#paused[slot];
    const resume = paused?.shift();
    if (resume !== undefined) this.paused -= 1;
    if (paused?.length === 0) {
      this.#paused[slot] = undefined;
      this.pausedAgents -= 1;
    }
    return resume;
  }
}
