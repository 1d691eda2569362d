import type { Decision } from './decision.ts';

const slotsLog2 = 15;
/** Decisions kept at most; a newer one takes an older one's place. */
export const decisionsMax: number = 2 ** slotsLog2;

/** Decisions by the numbers of who, what, with what and under which circumstances. Looking up makes no object. */
export class DecisionCache {
  readonly #keys: Int32Array = new Int32Array(decisionsMax * 3).fill(-1);
  readonly #decisions: (Decision | undefined)[] = new Array<undefined>(decisionsMax).fill(undefined);
  #isEmpty = true;
  #turn = 0;

  get(principal: number, resource: number, circumstance: number): Decision | undefined {
    const slot = slotOf(principal, resource, circumstance);
    if (this.#isAt(slot, principal, resource, circumstance)) return this.#decisions[slot];
    return this.#isAt(slot ^ 1, principal, resource, circumstance) ? this.#decisions[slot ^ 1] : undefined;
  }

  put(principal: number, resource: number, circumstance: number, decision: Decision): void {
    const home = slotOf(principal, resource, circumstance);
    this.#turn ^= 1;
    const slot = this.#decisions[home] === undefined ? home : home ^ this.#turn;
    this.#keys[slot * 3] = principal;
    this.#keys[slot * 3 + 1] = resource;
    this.#keys[slot * 3 + 2] = circumstance;
    this.#decisions[slot] = decision;
    this.#isEmpty = false;
  }

  clear(): void {
    if (this.#isEmpty) return;
    this.#keys.fill(-1);
    this.#decisions.fill(undefined);
    this.#isEmpty = true;
  }

  #isAt(slot: number, principal: number, resource: number, circumstance: number): boolean {
    const keys = this.#keys;
    return (
      keys[slot * 3] === principal && keys[slot * 3 + 1] === resource && keys[slot * 3 + 2] === circumstance
    );
  }
}

function slotOf(principal: number, resource: number, circumstance: number): number {
  let mixed =
    Math.imul(principal, 0x9e3779b1) ^ Math.imul(resource, 0x85ebca6b) ^ Math.imul(circumstance, 0xc2b2ae35);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0x2c1b3c6d);
  return (mixed ^ (mixed >>> 13)) & (decisionsMax - 1);
}
