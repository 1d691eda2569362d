import type { Analyzer } from './analyze.ts';
import type { HintList } from './hints.ts';
import { loopForm, type Plan, patch } from './plan.ts';
import type { Writer } from './writer.ts';

/** Where a function keeps the counter. */
export type CounterMode =
  /** In a local, spilled to the cell around calls: for functions with loops or several charges. */
  | 'local'
  /** In the cell only: each charge is one read and one write. */
  | 'cell'
  /** Nowhere: its callers have paid. */
  | 'none';

export interface EmitTarget {
  readonly fuelGlobal: number;
  /** Counts down the bytes of object heap that the host has granted. */
  readonly heapGlobal: number;
  /** Helper `() -> ()`: asks the host for the next slice, traps if there is none. */
  readonly refuel: number;
  /** Helper `(counter) -> counter`, likewise. */
  readonly refuelLocal: number;
}

const emptyBlock = 0x40;
/** Labels that a wrapped loop has around it. */
const wrapperDepth = 3;

/** Writes function bodies as their plans say. One object serves all bodies of a module. */
export class Emitter {
  readonly #writer: Writer;
  readonly #bytes: Uint8Array;
  readonly #target: EmitTarget;
  readonly #hints: HintList;
  #mode: CounterMode = 'local';
  #local = 0;
  #bodyStart = 0;

  constructor(writer: Writer, bytes: Uint8Array, target: EmitTarget, hints: HintList) {
    this.#writer = writer;
    this.#bytes = bytes;
    this.#target = target;
    this.#hints = hints;
  }

  /** Writes one body with its size, which it returns in bytes; `tests` says whether its entry tests the counter. */
  body(from: Analyzer, start: number, end: number, mode: CounterMode, tests: boolean): number {
    const writer = this.#writer;
    this.#mode = mode;
    this.#local = from.locals;
    this.#bodyStart = writer.openSized();
    this.#locals(from, mode);
    let pos = from.codeStart;
    this.#hints.beginBody(start);
    const { plan } = from;
    for (let index = 0; index < plan.count; index += 1) {
      this.#copy(pos, plan.starts[index] as number);
      pos = plan.ends[index] as number;
      this.#patch(plan, index, tests);
    }
    this.#copy(pos, end);
    return writer.length - writer.closeSized(this.#bodyStart);
  }

  #locals(from: Analyzer, mode: CounterMode): void {
    const writer = this.#writer;
    const extra = mode === 'local' ? 1 : 0;
    writer.u32(from.groups + extra);
    writer.copy(this.#bytes, from.groupsStart, from.codeStart);
    if (extra === 1) writer.raw(1, 0x7e);
  }

  #copy(from: number, to: number): void {
    if (from >= to) return;
    this.#hints.copied(from, to, this.#writer.length - this.#bodyStart);
    this.#writer.copy(this.#bytes, from, to);
  }

  #patch(plan: Plan, index: number, tests: boolean): void {
    const kind = plan.kinds[index] as number;
    const cost = plan.costs[index] as number;
    const arg = plan.args[index] as number;
    if (kind === patch.index) this.#writer.u32(arg);
    else if (kind === patch.branch) this.#writer.u32(this.#wraps(plan, arg) ? cost + wrapperDepth : cost);
    else if (kind === patch.loop) this.#loop(plan, index);
    else if (kind === patch.loopEnd) {
      if (this.#wraps(plan, arg)) this.#loopEnd(plan, arg);
    } else if (kind === patch.entry) this.#entry(cost, tests);
    else if (kind === patch.charge) this.#charge(cost);
    else if (kind === patch.spill) this.#spill();
    else if (kind === patch.reload) this.#reload(cost);
    else if (kind === patch.allocate) this.#allocate(cost, arg);
    else if (kind === patch.helper) this.#callHelper(arg);
    else this.#call(plan, index, kind);
  }

  #entry(cost: number, tests: boolean): void {
    if (this.#mode === 'none') return;
    if (this.#mode === 'cell') {
      this.#charge(cost);
      if (tests) this.#testCell();
    } else {
      this.#load(cost, tests);
      if (tests) this.#testLocal();
    }
  }

  #fuel(opcode: 0x23 | 0x24): void {
    this.#writer.byte(opcode);
    this.#writer.u32(this.#target.fuelGlobal);
  }

  #heap(opcode: 0x23 | 0x24): void {
    this.#writer.byte(opcode);
    this.#writer.u32(this.#target.heapGlobal);
  }

  /** The counter is stored only on the way to the host, which leaves the cell alone or ends the guest. */
  #allocate(bytes: number, helper: number): void {
    this.#heap(0x23);
    this.#subtract(bytes);
    this.#heap(0x24);
    this.#heap(0x23);
    this.#ifNegative();
    this.#spill();
    this.#callHelper(helper);
    this.#writer.byte(0x0b);
  }

  #counter(opcode: 0x20 | 0x21 | 0x22): void {
    this.#writer.byte(opcode);
    this.#writer.u32(this.#local);
  }

  /** On the stack: minus `cost`. */
  #subtract(cost: number): void {
    this.#writer.byte(0x42);
    this.#writer.signed(cost);
    this.#writer.byte(0x7d);
  }

  #charge(cost: number): void {
    if (cost === 0 || this.#mode === 'none') return;
    if (this.#mode === 'cell') {
      this.#fuel(0x23);
      this.#subtract(cost);
      this.#fuel(0x24);
    } else {
      this.#counter(0x20);
      this.#subtract(cost);
      this.#counter(0x21);
    }
  }

  /** Counter = cell - cost; left on the stack for a test. */
  #load(cost: number, keep: boolean): void {
    this.#fuel(0x23);
    if (cost !== 0) this.#subtract(cost);
    this.#counter(keep ? 0x22 : 0x21);
  }

  #spill(): void {
    if (this.#mode !== 'local') return;
    this.#counter(0x20);
    this.#fuel(0x24);
  }

  #reload(cost: number): void {
    if (this.#mode === 'local') this.#load(cost, false);
    else this.#charge(cost);
  }

  /** Opens the unlikely `if` on a negative counter. */
  #ifNegative(): void {
    this.#writer.raw(0x42, 0, 0x53);
    this.#hints.add(this.#writer.length - this.#bodyStart);
    this.#writer.raw(0x04, emptyBlock);
  }

  #testCell(): void {
    this.#fuel(0x23);
    this.#ifNegative();
    this.#callHelper(this.#target.refuel);
    this.#writer.byte(0x0b);
  }

  #testLocal(): void {
    this.#ifNegative();
    this.#refuelLocal();
    this.#writer.byte(0x0b);
  }

  #refuelLocal(): void {
    this.#counter(0x20);
    this.#callHelper(this.#target.refuelLocal);
    this.#counter(0x21);
  }

  #callHelper(index: number): void {
    this.#writer.byte(0x10);
    this.#writer.u32(index);
  }

  // --- loops

  #wraps(plan: Plan, loop: number): boolean {
    return this.#mode === 'local' && plan.args[loop] === loopForm.wrapped;
  }

  #loop(plan: Plan, index: number): void {
    const start = plan.starts[index] as number;
    const end = plan.ends[index] as number;
    const cost = plan.costs[index] as number;
    const form = plan.args[index] as number;
    if (this.#wraps(plan, index)) this.#openWrapper(start, end);
    this.#writer.copy(this.#bytes, start, end);
    if (form === loopForm.untested) this.#charge(cost);
    else if (this.#mode === 'cell') {
      this.#charge(cost);
      this.#testCell();
    } else if (this.#mode === 'local') {
      if (form === loopForm.reloading) this.#load(0, false);
      this.#loopHeader(cost, form === loopForm.wrapped);
    }
  }

  /** `block loop block`: outside, the slow path's way back, and the way to it. */
  #openWrapper(start: number, end: number): void {
    const writer = this.#writer;
    writer.byte(0x02);
    writer.copy(this.#bytes, start + 1, end);
    writer.copy(this.#bytes, start, end);
    writer.raw(0x02, emptyBlock);
  }

  #loopHeader(cost: number, wrapped: boolean): void {
    this.#counter(0x20);
    if (cost !== 0) {
      this.#subtract(cost);
      this.#counter(0x22);
    }
    if (!wrapped) {
      this.#testLocal();
      return;
    }
    this.#writer.raw(0x42, 0, 0x53);
    this.#hints.add(this.#writer.length - this.#bodyStart);
    this.#writer.raw(0x0d, 1);
  }

  /** Leaves the wrapper with the loop's results; the slow path gives the header's charge back and goes in again. */
  #loopEnd(plan: Plan, loop: number): void {
    const writer = this.#writer;
    const cost = plan.costs[loop] as number;
    writer.raw(0x0c, 2, 0x0b);
    this.#refuelLocal();
    if (cost !== 0) {
      this.#counter(0x20);
      writer.byte(0x42);
      writer.signed(cost);
      writer.byte(0x7c);
      this.#counter(0x21);
    }
    writer.raw(0x0c, 0, 0x0b, 0x0b);
  }

  // --- calls

  #call(plan: Plan, index: number, kind: number): void {
    const arg = plan.args[index] as number;
    this.#spill();
    if (kind === patch.call || kind === patch.tailCall) this.#copyCall(plan, index, arg);
    else this.#callHelper(arg);
    if (kind === patch.call) this.#reload(plan.costs[index] as number);
    else if (kind !== patch.tailCall) this.#reload(0);
  }

  #copyCall(plan: Plan, index: number, callee: number): void {
    const start = plan.starts[index] as number;
    if (callee < 0) this.#writer.copy(this.#bytes, start, plan.ends[index] as number);
    else {
      this.#writer.byte(this.#bytes[start] as number);
      this.#writer.u32(callee);
    }
  }
}
