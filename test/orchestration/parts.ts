import { Wheel } from '../../host/clock/wheel.ts';
import { Waits } from '../../host/orchestration/waits.ts';
import { HandClock } from '../support/hand-clock.ts';

/** A clock, and those who wait on it, turned by hand. */
export class Stage {
  readonly clock: HandClock = new HandClock();
  readonly wheel: Wheel = new Wheel({ nowMs: () => this.clock.monotonicMs() });
  readonly waits: Waits;

  constructor(waitersMax?: number) {
    this.waits = new Waits(this.wheel, waitersMax);
  }

  /** Lets time pass, and whatever is due happen. */
  async turn(ms: number): Promise<void> {
    this.clock.turn(ms);
    // A timer fires up to one slot late, and never early.
    this.wheel.turn();
    await settle();
  }
}

/** Lets everybody who was told something go on. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 20; round += 1) await Promise.resolve();
}
