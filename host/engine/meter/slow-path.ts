import { type AddedFunctions, type AddedTypes, Body } from './added.ts';
import { malformed } from './refusal.ts';

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
  readonly heapGlobal: number;
  readonly allocate: number;
  readonly escaped: number;
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

  /** `() -> ()`: what is missing of the object heap, and more, from the host; or the end. */
  allocate(): number {
    const { heapGlobal, allocate } = this.#runtime;
    if (allocate < 0) throw malformed('an object or exception in a module without such types', 0);
    return this.#functions.index('allocate', () => ({
      type: this.#types.index([], []),
      write: (writer) => {
        const body = new Body(writer).op(0);
        body.globalGet(heapGlobal).i64(0).globalGet(heapGlobal).op(0x7d).op(0xb9);
        body.call(allocate).op(0xb0).op(0x7c).globalSet(heapGlobal);
        body.globalGet(heapGlobal).i64(0).op(0x53).if().op(0x00).end().end();
      },
    }));
  }

  /** `(n) -> n`: counts the heap that an array of n elements takes. */
  allocateArray(headerBytes: number, elementBytes: number): number {
    const { heapGlobal } = this.#runtime;
    const allocate = this.allocate();
    return this.#functions.index(`array ${headerBytes} ${elementBytes}`, () => ({
      type: this.#types.index([i32], [i32]),
      write: (writer) => {
        const body = new Body(writer).op(0).globalGet(heapGlobal);
        body.localGet(0).op(0xad).i64(elementBytes).op(0x7e).i64(headerBytes).op(0x7c);
        body.subtract(heapGlobal).test(heapGlobal, allocate).localGet(0).end();
      },
    }));
  }

  /**
   * Replaces `memory.grow`: asks the host, grows, charges for what was added; -1 where it may not. What the host
   * granted and the engine then could not add is given back: asked for with a minus.
   */
  growMemory(memory: number, max: bigint, wide: boolean, prices: GrowPrices): number {
    const type = this.#types.index([wide ? i64 : i32], [wide ? i64 : i32]);
    return this.#grow(`memory ${memory}`, type, {
      delta: 0,
      max: Number(max),
      wide,
      prices,
      ask: this.#runtime.growMemory,
      size: [0x3f, memory],
      grow: [0x40, memory],
    });
  }

  /** Replaces `table.grow`, likewise; `element` is the table's encoded reference type. */
  growTable(
    table: number,
    element: readonly number[],
    max: bigint,
    wide: boolean,
    prices: GrowPrices,
  ): number {
    const length = wide ? i64 : i32;
    const type = this.#types.index([element, length], [length]);
    return this.#grow(`table ${table}`, type, {
      delta: 1,
      max: Number(max),
      wide,
      prices,
      ask: this.#runtime.growTable,
      size: [0xfc, 16, table],
      grow: [0xfc, 15, table],
    });
  }

  #grow(key: string, type: number, growth: Growth): number {
    this.refuel();
    return this.#functions.index(key, () => ({
      type,
      write: (writer) => {
        const { delta, wide, prices } = growth;
        const result = delta + 1;
        const body = new Body(writer)
          .op(1)
          .op(1)
          .op(wide ? 0x7e : 0x7f);
        this.#chargeUnits(body, delta, prices.asked, wide);
        this.#refuse(body, growth);
        for (let param = 0; param <= delta; param += 1) body.localGet(param);
        body.op(...growth.grow).op(0x21, result);
        body.localGet(result);
        (wide ? body.i64(-1) : body.i32(-1)).op(wide ? 0x52 : 0x47).if();
        this.#chargeUnits(body, delta, prices.added, wide);
        body.op(0x05).i32(0).localGet(delta);
        if (wide) body.op(0xa7);
        body.op(0x6b).call(growth.ask).op(0x1a).end().localGet(result).end();
      },
    }));
  }

  /** Returns -1 when size + delta is over the maximum, or the host does not grant the delta. */
  #refuse(body: Body, { delta, max, wide, size, ask }: Growth): void {
    const failure = () => (wide ? body.i64(-1) : body.i32(-1)).op(0x0f).end();
    const widen = () => (wide ? body : body.op(0xad));
    body.localGet(delta);
    widen().i64(max).op(0x56).if();
    failure();
    body.op(...size);
    widen().localGet(delta);
    widen().op(0x7c).i64(max).op(0x56).if();
    failure();
    body.localGet(delta);
    if (wide) body.op(0xa7);
    body.call(ask).op(0x45).if();
    failure();
  }
}

/** What growing costs per page or element: whenever asked for, and when added. */
export interface GrowPrices {
  readonly asked: number;
  readonly added: number;
}

/** One kind of growth: which parameter is the delta, the bound, the import to ask, and the instructions. */
interface Growth {
  readonly delta: number;
  readonly max: number;
  readonly wide: boolean;
  readonly prices: GrowPrices;
  readonly ask: number;
  readonly size: readonly [number, ...number[]];
  readonly grow: readonly [number, ...number[]];
}
