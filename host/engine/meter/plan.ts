/** What a patch of a function body does; see `emit.ts` for the code each becomes. */
export const patch = {
  /** Function entry: load, charge, test. */
  entry: 0,
  /** Charge only. */
  charge: 1,
  /** A `loop` opcode with its block type: wrap if worth it, charge, test. */
  loop: 2,
  /** After the `end` of a wrapped loop (`arg`: its patch): the slow path. */
  loopEnd: 3,
  /** A branch depth (`cost`) out of the loop `arg`, deeper by 3 if that loop is wrapped. */
  branch: 4,
  /** A call: spill, call (`arg`: new function index, -1 as it is), reload, charge. */
  call: 5,
  /** A tail call: spill, then as it is or with function index `arg`. */
  tailCall: 6,
  /** An index immediate replaced by `arg`. */
  index: 7,
  /** The counter goes back to the cell: control is about to leave the function, or may. */
  spill: 8,
  /** The counter is read from the cell (after an exception), then charge. */
  reload: 9,
  /** Before a bulk operation: a call of helper `arg` that charges by the length on top of the stack. */
  bulk: 10,
  /** An operation replaced by a call of helper `arg` (memory.grow, table.grow). */
  replace: 11,
  /** Before an operation that takes `cost` bytes of the object heap: counts them, and helper `arg` asks the host for more. */
  allocate: 12,
  /** An operation replaced by a call of helper `arg`, which leaves the counter alone. */
  helper: 13,
} as const;

/** How a loop header is written, the `arg` of its patch. */
export const loopForm = {
  inPlace: 0,
  /** The slow path is outside, so that V8 sees a loop without calls. */
  wrapped: 1,
  /** An exception handler branches here: the counter is read again. */
  reloading: 2,
  /** Every turn makes a call that tests. */
  untested: 3,
} as const;

/** A function body's patches in the order of their positions, kept in typed arrays that are reused from body to body. */
export class Plan {
  count = 0;
  kinds: Uint8Array = new Uint8Array(1024);
  starts: Int32Array = new Int32Array(1024);
  ends: Int32Array = new Int32Array(1024);
  args: Int32Array = new Int32Array(1024);
  costs: Float64Array = new Float64Array(1024);

  clear(): void {
    this.count = 0;
  }

  /** The costs of all patches together: no run that comes to each at most once costs more. */
  get fuel(): number {
    let fuel = 0;
    for (let index = 0; index < this.count; index += 1) fuel += this.costs[index] as number;
    return fuel;
  }

  pay(index: number, cost: number): void {
    this.costs[index] = (this.costs[index] as number) + cost;
  }

  /** If patch `index` is a loop header, it need not test: what it pays for includes a call that tests at its entry. */
  untested(index: number): void {
    if (this.kinds[index] === patch.loop && this.args[index] === loopForm.inPlace)
      this.args[index] = loopForm.untested;
  }

  /** Adds a patch that replaces [start, end); returns its index. */
  add(kind: number, start: number, end: number, arg: number): number {
    const index = this.count;
    if (index === this.kinds.length) this.#grow();
    this.kinds[index] = kind;
    this.starts[index] = start;
    this.ends[index] = end;
    this.args[index] = arg;
    this.costs[index] = 0;
    this.count = index + 1;
    return index;
  }

  #grow(): void {
    const length = this.kinds.length * 2;
    this.kinds = grown(this.kinds, new Uint8Array(length));
    this.starts = grown(this.starts, new Int32Array(length));
    this.ends = grown(this.ends, new Int32Array(length));
    this.args = grown(this.args, new Int32Array(length));
    this.costs = grown(this.costs, new Float64Array(length));
  }
}

function grown<T extends Uint8Array | Int32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
