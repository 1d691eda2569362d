import { type Clock, systemClock, systemRandom } from '../../../../host/clock.ts';
import { Budget } from '../../../../host/engine/budget.ts';
import { Linker } from '../../../../host/engine/linker.ts';
import type { InputSource, OutputSink, WasiGrants } from '../../../../host/engine/wasi/grants.ts';
import { type Preview2, wasi } from '../../../../host/engine/wasi/preview2/preview2.ts';
import { defaultLimits, type Limits } from '../../../../host/limits.ts';

/** A sink that keeps everything. */
export class Kept implements OutputSink {
  readonly isTerminal: boolean = false;
  readonly chunks: Uint8Array[] = [];
  async write(bytes: Uint8Array): Promise<void> {
    this.chunks.push(bytes.slice());
  }
  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }
}

/** A source that gives the chunks, then ends. */
export function chunks(...parts: string[]): InputSource {
  const left = parts.map((part) => new TextEncoder().encode(part));
  return {
    isTerminal: false,
    read: async (bytesMax) => {
      const chunk = left.shift();
      if (chunk !== undefined && chunk.length > bytesMax) left.unshift(chunk.subarray(bytesMax));
      return chunk?.subarray(0, bytesMax);
    },
  };
}

export const noGrants: WasiGrants = {
  args: [],
  env: [],
  stdin: chunks(),
  stdout: new Kept(),
  stderr: new Kept(),
  preopens: [],
  net: [],
  clock: systemClock,
  random: systemRandom,
};

/** WASI for one guest as a test sees it: every function as the lane would call it. */
export interface Scene extends AsyncDisposable {
  readonly budget: Budget;
  readonly linker: Linker;
  readonly wasi: Preview2;
  // biome-ignore lint/suspicious/noExplicitAny: WIT functions have no static types on the host side
  call(name: string, fn: string, ...args: unknown[]): any;
}

export async function scene(
  grants: Partial<WasiGrants> = {},
  limits: Partial<Limits> = {},
  clock: Clock = systemClock,
): Promise<Scene> {
  const budget = new Budget({ limits: { ...defaultLimits, ...limits }, clock });
  const preview2 = wasi({ ...noGrants, ...grants }, budget);
  const linker = new Linker();
  await preview2.ready();
  preview2.define(linker);
  return {
    budget,
    linker,
    wasi: preview2,
    call: (name, fn, ...args) => {
      const [first = '', method] = fn.split('.');
      const member = linker.get(`${name}@0.2.9`)?.functions[first];
      const found: unknown = method === undefined ? member : Reflect.get(member ?? {}, method);
      if (typeof found !== 'function') throw new Error(`no ${name}.${fn}`);
      return found(...args);
    },
    [Symbol.asyncDispose]: () => preview2.dispose(),
  };
}

/** The payload of the WIT error that `act` throws or rejects with. */
export async function witError(act: () => unknown): Promise<unknown> {
  try {
    await act();
  } catch (thrown) {
    if (thrown !== null && typeof thrown === 'object' && 'payload' in thrown) return thrown.payload;
    throw thrown;
  }
  throw new Error('nothing was thrown');
}
