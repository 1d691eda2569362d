import type { Analyzer } from './analyze.ts';
import type { ModuleParts } from './module.ts';
import { patch } from './plan.ts';

/** Longer bodies are not looked at: a leaf is worth paying for beforehand only if it is short. */
const leafBytesMax = 96;
const leafOperatorsMax = 24;

/**
 * Short functions without calls, loops or charges that depend on the path: their direct callers pay for them
 * and keep the counter in its local. One that is also used as a value charges itself; direct callers then
 * call its twin, which does not.
 */
export class Leaves {
  readonly #parts: ModuleParts;
  readonly #fuel: Float64Array;
  readonly #addressed: Uint8Array;

  constructor(parts: ModuleParts) {
    this.#parts = parts;
    this.#fuel = new Float64Array(parts.functions.length);
    this.#addressed = new Uint8Array(parts.functions.length);
    this.#findAddressed();
  }

  /** What a direct caller pays for function `index`; 0 if it pays for itself. */
  fuel(index: number): number {
    return this.#fuel[index] as number;
  }

  /** Whether `index` is a leaf that direct callers reach through its twin. */
  twin(index: number): number {
    return this.fuel(index) > 0 && this.addressed(index) ? index : -1;
  }

  /** Whether `index` is exported, in a table, referenced or the start function. */
  addressed(index: number): boolean {
    return this.#addressed[index] === 1;
  }

  #findAddressed(): void {
    const { exports, elements, globals, tables, start } = this.#parts;
    const mark = (index: number) => {
      this.#addressed[index] = 1;
    };
    for (const { kind, index } of exports) if (kind === 'function') mark(index);
    const exprs = elements.flatMap((segment) => segment.exprs);
    for (const segment of elements) for (const index of segment.functions) mark(index);
    for (const { init } of [...globals, ...tables]) if (init !== undefined) exprs.push(init);
    for (const { references } of exprs)
      for (const { kind, index } of references) if (kind === 'function') mark(index);
    if (start !== undefined) mark(start);
  }

  /** Looks at every short body. */
  find(analyzer: Analyzer): void {
    const { code, importedFunctions } = this.#parts;
    const found: [index: number, fuel: number][] = [];
    for (let body = 0; body < code.count; body += 1) {
      const start = code.starts[body] as number;
      const end = code.ends[body] as number;
      if (end - start > leafBytesMax) continue;
      const index = importedFunctions + body;
      analyzer.analyze(index, start, end);
      const fuel = leafFuel(analyzer);
      if (fuel > 0) found.push([index, fuel]);
    }
    for (const [index, fuel] of found) this.#fuel[index] = fuel;
  }
}

/** The fuel of any run through the body just analysed, or 0 if it is no leaf. */
function leafFuel(analyzer: Analyzer): number {
  const { plan, loops, calls, bulks, operators, directCalls, traps } = analyzer;
  // One that may end the guest charges itself: its callers then spill before they call it.
  if (loops + calls + bulks + directCalls + traps > 0 || operators > leafOperatorsMax) return 0;
  for (let index = 1; index < plan.count; index += 1) {
    const kind = plan.kinds[index];
    if (kind === patch.reload) return 0;
    if (kind === patch.charge && plan.costs[index] !== 0) return 0;
  }
  return plan.costs[0] as number;
}
