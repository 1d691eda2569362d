import { systemClock } from '../../../../host/clock.ts';
import { Budget } from '../../../../host/engine/budget.ts';
import { Linker } from '../../../../host/engine/linker.ts';
import type { WasiGrants } from '../../../../host/engine/wasi/grants.ts';
import { wasi } from '../../../../host/engine/wasi/preview2/preview2.ts';
import type { GuestStream, Reading } from '../../../../host/engine/wasi/preview3/flow.ts';
import { defaultLimits } from '../../../../host/limits.ts';
import { noGrants } from '../preview2/grants.ts';

/** WASI 0.3 for one guest, as the lane would call it. */
export interface Scene3 extends AsyncDisposable {
  readonly budget: Budget;
  // biome-ignore lint/suspicious/noExplicitAny: WIT functions have no static types on the host side
  call(name: string, fn: string, ...args: unknown[]): any;
  // biome-ignore lint/suspicious/noExplicitAny: WIT functions have no static types on the host side
  resource(name: string, cls: string): any;
}

export async function scene3(grants: Partial<WasiGrants> = {}): Promise<Scene3> {
  const clock = grants.clock ?? systemClock;
  const budget = new Budget({ limits: defaultLimits, clock });
  const offered = wasi({ ...noGrants, ...grants, clock }, budget);
  const linker = new Linker();
  await offered.ready(['wasi:cli/run@0.3.0', 'wasi:sockets/types@0.3.0', 'wasi:http/types@0.3.0']);
  offered.define(linker);
  return {
    budget,
    call: (name, fn, ...args) => {
      const found = linker.get(`${name}@0.3.9`)?.functions[fn];
      if (typeof found !== 'function') throw new Error(`no ${name}.${fn}`);
      return Reflect.apply(found, undefined, args);
    },
    resource: (name, cls) => linker.get(`${name}@0.3.9`)?.functions[cls],
    [Symbol.asyncDispose]: () => offered.dispose(),
  };
}

/** A stream as a guest writes it, and whether the host has let go of it. */
export function written(...parts: readonly string[]): GuestStream<number> & { readonly isDropped: boolean } {
  const left = parts.map((part) => [...new TextEncoder().encode(part)]);
  let isDropped = false;
  return {
    read: async ({ count }) => {
      const part = left.shift();
      if (part === undefined) return { done: true };
      if (part.length > count) left.unshift(part.splice(count));
      return { value: part, done: false };
    },
    [Symbol.dispose]: () => {
      isDropped = true;
    },
    get isDropped() {
      return isDropped;
    },
  };
}

/** Reads a stream to its end, and how it ended. */
export async function readAll<T, E>([stream, end]: Reading<T, E>): Promise<{
  readonly items: readonly T[];
  readonly end: unknown;
}> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return { items, end: await end };
}

/** The same for bytes, as text. */
export async function readText<E>(reading: Reading<Uint8Array, E>): Promise<{
  readonly text: string;
  readonly end: unknown;
}> {
  const { items, end } = await readAll(reading);
  return { text: Buffer.concat(items).toString(), end };
}
