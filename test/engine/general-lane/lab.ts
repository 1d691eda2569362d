import { Linker, WitError } from '../../../host/engine/linker.ts';

/** The lab's host side: `plain(13)` throws an error, `plain(14)` a `WitError` that its type does not allow; `wait(99)` never ends. */
export function labLinker(dropped: number[] = []): Linker {
  class Thing {
    readonly #n: number;
    constructor(n: number) {
      this.#n = n;
    }
    get(): number {
      return this.#n;
    }
    static twice(n: number): number {
      return 2 * n;
    }
    [Symbol.dispose](): void {
      dropped.push(this.#n);
    }
  }
  return new Linker()
    .define('test:lab/host@0.1.0', {
      functions: {
        Thing,
        plain: (n: number) => {
          if (n === 13) throw new TypeError('the host is broken');
          if (n === 14) throw new WitError('out of place');
          if (n === 15) throw 'a bare string';
          return n;
        },
        mayFail: (n: number) => {
          if (n === 13) throw new TypeError('the host is broken');
          if (n === 15) throw 'a bare string';
          if (n % 2 === 1) throw new WitError(`odd: ${n}`);
          return n;
        },
        wait: async (n: number) => {
          if (n === 99) await new Promise(() => {});
          await new Promise((turn) => setImmediate(turn));
          return n;
        },
      },
      suspending: new Set(['wait']),
    })
    .define('$root', { functions: { top: async (n: number) => n + 1 }, suspending: new Set(['top']) });
}
