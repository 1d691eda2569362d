import { type AddedFunctions, type AddedTypes, Body } from './added.ts';

const i32 = [0x7f];
const i64 = [0x7e];
/** The most one operation is charged: no sum of charges between two tests can wrap a 64-bit cell. */
const chargeMax = 2 ** 53 - 1;

/** What the helpers work with: the cell and the appended imports (-1: not imported). */
export interface Runtime {
  readonly fuelGlobal: number;
  readonly out: number;
  readonly pause: number;
  readonly growMemory: number;
  readonly growTable: number;
}

/** The functions the rewriter calls from guest code, each added to the module when first needed. */
export class SlowPath {
  readonly #types: AddedTypes;
  readonly #functions: AddedFunctions;
  readonly #runtime: Runtime;

  constructor(types: AddedTypes, functions: AddedFunctions, runtime: Runtime) {
    this.#types = types;
    this.#functions = functions;
    this.#runtime = runtime;
  }

  /** `() -> ()`: a new slice from the host, a pause if it asks for one, or the end. */
  refuel(): number {
    return this.#functions.index('refuel', () => ({
      type: this.#types.index([], []),
      write: (writer) => {
        this.#askHost(new Body(writer).op(0)).end();
      },
    }));
  }

  /**
   * `(counter) -> counter`: the same for a counter in a local. The cell gets the grant but keeps what was
   * charged since the last spill out, so that a trap leaves the same count whatever the slices were.
   */
  refuelLocal(): number {
    const { fuelGlobal } = this.#runtime;
    return this.#functions.index('refuel local', () => ({
      type: this.#types.index([i64], [i64]),
      write: (writer) => {
        const body = new Body(writer).op(1).op(2).op(0x7e);
        body.globalGet(fuelGlobal).op(0x21, 1).localGet(0).globalSet(fuelGlobal);
        this.#askHost(body);
        body.globalGet(fuelGlobal).op(0x22, 2).localGet(0).op(0x7d).localGet(1).op(0x7c);
        body.globalSet(fuelGlobal).localGet(2).end();
      },
    }));
  }

  #askHost(body: Body): Body {
    const { fuelGlobal, out, pause } = this.#runtime;
    body.call(out).if().call(pause).end();
    return body.globalGet(fuelGlobal).i64(0).op(0x53).if().op(0x00).end();
  }

  /** `(n) -> n`: charges `perUnit` for each of n, saturating, and tests at once. */
  charge(perUnit: number, wide: boolean): number {
    const type = this.#types.index([wide ? i64 : i32], [wide ? i64 : i32]);
    return this.#functions.index(`charge ${perUnit} ${wide}`, () => ({
      type,
      write: (writer) => {
        const body = new Body(writer).op(0);
        this.#chargeUnits(body, 0, perUnit, wide);
        body.localGet(0).end();
      },
    }));
  }

  /** cell -= min(local, max) * perUnit, then the test. */
  #chargeUnits(body: Body, local: number, perUnit: number, wide: boolean): void {
    const { fuelGlobal } = this.#runtime;
    if (perUnit === 0) return;
    body.globalGet(fuelGlobal);
    if (wide) {
      const unitsMax = Math.floor(chargeMax / perUnit);
      body.localGet(local).i64(unitsMax).localGet(local).i64(unitsMax).op(0x54).op(0x1b);
    } else body.localGet(local).op(0xad);
    if (perUnit !== 1) body.i64(perUnit).op(0x7e);
    body.subtract(fuelGlobal).test(fuelGlobal, this.refuel());
  }

  /** Replaces `memory.grow`: charges, asks the host, grows; -1 where it may not. */
  growMemory(memory: number, max: bigint, wide: boolean, perPage: number): number {
    const type = this.#types.index([wide ? i64 : i32], [wide ? i64 : i32]);
    this.refuel();
    return this.#functions.index(`memory ${memory}`, () => ({
      type,
      write: (writer) => {
        const body = new Body(writer).op(0);
        this.#chargeUnits(body, 0, perPage, wide);
        const size = () => body.op(0x3f, memory);
        this.#refuse(body, 0, Number(max), wide, size, this.#runtime.growMemory);
        body.localGet(0).op(0x40, memory).end();
      },
    }));
  }

  /** Replaces `table.grow`, likewise; `element` is the table's encoded reference type. */
  growTable(
    table: number,
    element: readonly number[],
    max: bigint,
    wide: boolean,
    perElement: number,
  ): number {
    const length = wide ? i64 : i32;
    const type = this.#types.index([element, length], [length]);
    this.refuel();
    return this.#functions.index(`table ${table}`, () => ({
      type,
      write: (writer) => {
        const body = new Body(writer).op(0);
        this.#chargeUnits(body, 1, perElement, wide);
        const size = () => body.op(0xfc, 16, table);
        this.#refuse(body, 1, Number(max), wide, size, this.#runtime.growTable);
        body.localGet(0).localGet(1).op(0xfc, 15, table).end();
      },
    }));
  }

  /** Returns -1 when size + delta is over the maximum, or the host does not grant the delta. */
  #refuse(body: Body, delta: number, max: number, wide: boolean, size: () => Body, ask: number): void {
    const failure = () => (wide ? body.i64(-1) : body.i32(-1)).op(0x0f).end();
    if (wide) body.localGet(delta).i64(max).op(0x56).if();
    else body.localGet(delta).op(0xad).i64(max).op(0x56).if();
    failure();
    size();
    if (!wide) body.op(0xad);
    body.localGet(delta);
    if (!wide) body.op(0xad);
    body.op(0x7c).i64(max).op(0x56).if();
    failure();
    body.localGet(delta);
    if (wide) body.op(0xa7);
    body.call(ask).op(0x45).if();
    failure();
  }
}
