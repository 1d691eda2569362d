import type { Random } from '../clock.ts';
import type { StealBoard } from './steal-board.ts';

export interface ThiefOptions {
  /** This thread. */
  readonly self: number;
  readonly board: StealBoard;
  readonly random: Random;
  readonly nowMs: () => number;
  /** Has at most `max` agents of another thread come here; resolves with how many did. */
  readonly steal: (asked: { readonly victim: number; readonly max: number }) => Promise<number>;
}

/** What a thread is doing when it looks around. */
export interface Idleness {
  /** Nobody here waits for a turn. */
  readonly isIdle: boolean;
  /** Agents here that do. */
  readonly backlog: number;
}

/** Agents that wait at a thread, at two looks in a row, before another one comes for some of them. */
export const backlogMin = 2;
/** Agents taken at once. */
export const takenMax = 64;
/** Milliseconds until the next attempt after one that brought nothing; doubles each time. */
const pauseMsFirst = 50;
const pauseMsMax = 3_200;

/** When a thread with nothing to do comes for agents of another one that has more than it gets done, and for whose. */
export class Thief {
  readonly #options: ThiefOptions;
  readonly #bytes = new Uint8Array(4);
  #wasIdle = false;
  #backlogBefore = 0;
  #isStealing = false;
  #notBeforeMs = 0;
  #pauseMs = pauseMsFirst;

  constructor(options: ThiefOptions) {
    this.#options = options;
  }

  /** Called many times a second. Resolves when what it began is over. */
  async look({ isIdle, backlog }: Idleness): Promise<void> {
    const { self, board, nowMs } = this.#options;
    // What is gone by the next look needs nobody's help.
    board.show(self, Math.min(backlog, this.#backlogBefore));
    this.#backlogBefore = backlog;
    const isIdleStill = isIdle && this.#wasIdle;
    this.#wasIdle = isIdle;
    if (!isIdleStill || this.#isStealing || nowMs() < this.#notBeforeMs) return;
    const victim = this.#victim();
    if (victim === undefined || !board.enter(self)) return;
    this.#isStealing = true;
    const max = Math.min(takenMax, Math.ceil(board.backlogOf(victim) / 2));
    const taken = await this.#options.steal({ victim, max }).catch(() => 0);
    this.#isStealing = false;
    board.leave(self);
    this.#pauseMs = taken > 0 ? pauseMsFirst : Math.min(pauseMsMax, this.#pauseMs * 2);
    this.#notBeforeMs = taken > 0 ? 0 : nowMs() + this.#pauseMs;
  }

  /** Of two threads drawn from those that have enough, the one with more. */
  #victim(): number | undefined {
    const { self, board } = this.#options;
    const rich: number[] = [];
    for (let thread = 1; thread <= board.threads; thread += 1)
      if (thread !== self && board.backlogOf(thread) >= backlogMin) rich.push(thread);
    if (rich.length === 0) return undefined;
    const one = rich.splice(this.#draw(rich.length), 1)[0] as number;
    if (rich.length === 0) return one;
    const other = rich[this.#draw(rich.length)] as number;
    return board.backlogOf(other) > board.backlogOf(one) ? other : one;
  }

  /** From 0 to below `count`. */
  #draw(count: number): number {
    this.#options.random.fill(this.#bytes);
    return Math.floor((new DataView(this.#bytes.buffer).getUint32(0) / 2 ** 32) * count);
  }
}
