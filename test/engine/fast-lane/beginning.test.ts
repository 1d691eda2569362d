import assert from 'node:assert/strict';
import { test } from 'node:test';
import { begin } from '../../../host/engine/fast-lane/beginning.ts';

/** A function that does `body`, of the last type of `types`, which imports `m.pause: () -> ()`. */
function functionOf(types: readonly number[], type: number, body: readonly number[]) {
  const section = (id: number, bytes: readonly number[]) => [id, bytes.length, ...bytes];
  const paused: string[] = [];
  const module = new WebAssembly.Module(
    Uint8Array.from([
      ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...section(1, types),
      ...section(2, [1, 1, 0x6d, 5, ...Buffer.from('pause'), 0, 0]),
      ...section(3, [1, type]),
      ...section(7, [1, 1, 0x66, 0, 1]),
      ...section(10, [1, body.length + 2, 0, ...body, 0x0b]),
    ]),
  );
  const pause = new WebAssembly.Suspending(async () => void paused.push('paused'));
  const { f } = new WebAssembly.Instance(module, { m: { pause } }).exports;
  return { f: f as WebAssembly.ExportedFunction, paused };
}

const plain = [1, 0x60, 0, 0];
/** Two types that look the same and are not, as they stand in one group. */
const grouped = [1, 0x4e, 2, 0x60, 0, 0, 0x60, 0, 0];
const callPause = [0x10, 0];
const unreachable = [0];

for (const [what, types, type] of [
  ['a function', plain, 0],
  ['a function of a type of its own', grouped, 1],
] as const) {
  test(`${what} begins on a stack that can be suspended`, async () => {
    const { f, paused } = functionOf(types, type, callPause);
    const begun = begin(f);
    assert.deepEqual(paused, ['paused']);
    assert.equal(await begun, undefined);
  });

  test(`what ends ${what} is told`, async () => {
    await assert.rejects(begin(functionOf(types, type, unreachable).f), WebAssembly.RuntimeError);
  });
}
