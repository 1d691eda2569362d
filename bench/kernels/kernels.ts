import { readFileSync } from 'node:fs';

/** One program of the fuel bench: a module in `wasm/` that exports `run(n: i32) -> i32`. */
export interface Kernel {
  readonly name: string;
  readonly language: 'C' | 'AssemblyScript';
  /** The argument that makes one run last some milliseconds. */
  readonly size: number;
  /** A small run as Wasmtime 50.0.1 counts it: the argument, the result, and the fuel of instantiation and call. */
  readonly check: {
    readonly size: number;
    readonly result: number;
    readonly fuelStart: bigint;
    readonly fuelRun: bigint;
  };
}

type Check = readonly [size: number, result: number, fuelStart: bigint, fuelRun: bigint];

const kernel = (language: Kernel['language'], name: string, size: number, check: Check): Kernel => ({
  name,
  language,
  size,
  check: { size: check[0], result: check[1], fuelStart: check[2], fuelRun: check[3] },
});

/** The mix that stands for CoreMark: our own list, matrix, state-machine and CRC work, not EEMBC's source. */
export const compositeName = 'composite';

export const kernels: readonly Kernel[] = [
  kernel('C', 'fib', 32, [15, 610, 0n, 24_897n]),
  kernel('C', 'sha256', 300, [1, -1_602_718_859, 0n, 604_854n]),
  kernel('C', 'matmul', 40, [1, 6_257, 0n, 3_696_953n]),
  kernel('C', 'quicksort', 20, [1, 409_455_072, 0n, 1_641_698n]),
  kernel('C', 'json', 240, [1, 672_052_091, 0n, 724_750n]),
  kernel('C', 'bytes', 400, [1, -765_730_816, 0n, 658_905n]),
  kernel('C', 'crc', 100, [1, 856_063_670, 0n, 509_211n]),
  kernel('C', 'list', 40, [1, -2_136_738_115, 0n, 692_089n]),
  kernel('C', 'vm', 200_000, [200, 368_657, 0n, 115_082n]),
  kernel('C', 'queens', 12, [6, 4, 0n, 7_335n]),
  kernel('C', 'indirect', 400_000, [500, 1_973_847_974, 0n, 12_215n]),
  kernel('C', 'nbody', 50_000, [30, 748_125, 0n, 47_121n]),
  kernel('C', compositeName, 300, [2, 15_989, 0n, 456_204n]),
  kernel('AssemblyScript', 'sieve', 10, [1, 6_542, 35n, 10_449_933n]),
  kernel('AssemblyScript', 'mandelbrot', 250, [12, 3_911, 0n, 147_271n]),
  kernel('AssemblyScript', 'string-map', 60, [1, 1_074_215_494, 35n, 4_879_532n]),
  kernel('AssemblyScript', 'objects', 120, [1, 1_516, 35n, 699_047n]),
  kernel('AssemblyScript', 'sorts', 6, [1, -1_234_854_804, 35n, 13_195_076n]),
];

/** The compiled module, as `node bench/kernels/build.ts` wrote it. */
export function kernelBytes(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(new URL(`wasm/${name}.wasm`, import.meta.url)));
}
