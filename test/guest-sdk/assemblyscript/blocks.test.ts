import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onFastLane } from '../../support/lanes.ts';
import { writtenAgent } from '../../support/written-agent.ts';

const blockBytes = 4096;
const wit = `package t:blocks; world w {
  export shuffle: func(seed: u32, steps: u32, bytes-max: u32) -> u32;
  export keep: func(bytes: u32) -> u32;
  export fill: func(bytes: u32) -> u32;
  export pages: func() -> u32;
  export greet: func(name: string) -> string;
}`;

// Every block is filled with a byte of its own, which must be there whenever it is looked at.
const source = `
let state: u32 = 1;
function random(below: u32): u32 { state = state * 1664525 + 1013904223; return (state >> 8) % below; }
const places = 97;
const at = new StaticArray<usize>(places);
const size = new StaticArray<u32>(places);
let held: ArrayBuffer[] = [];

function isWhole(i: i32): bool {
  for (let b: u32 = 0; b < size[i]; b++) if (load<u8>(at[i] + b) != <u8>i) return false;
  return true;
}
function put(i: i32, from: u32): void {
  if ((at[i] & 15) != 0) throw new Error("not aligned");
  memory.fill(at[i] + from, <u8>i, size[i] - from);
}
export function shuffle(seed: u32, steps: u32, bytesMax: u32): u32 {
  state = seed;
  let wrong: u32 = 0;
  for (let step: u32 = 0; step < steps; step++) {
    const i = <i32>random(places);
    const bytes = random(8) == 0 ? random(bytesMax) + 1 : random(200) + 1;
    if (at[i] == 0) {
      at[i] = heap.alloc(bytes);
      size[i] = bytes;
      put(i, 0);
    } else {
      if (!isWhole(i)) wrong++;
      if (random(3) == 0) {
        const kept = min(size[i], bytes);
        at[i] = heap.realloc(at[i], bytes);
        size[i] = kept;
        if (!isWhole(i)) wrong++;
        size[i] = bytes;
        put(i, kept);
      } else {
        heap.free(at[i]);
        at[i] = 0;
      }
    }
  }
  for (let i = 0; i < places; i++) {
    if (at[i] == 0) continue;
    if (!isWhole(i)) wrong++;
    heap.free(at[i]);
    at[i] = 0;
  }
  return wrong;
}
export function keep(bytes: u32): u32 { memory.grow(1); held.push(new ArrayBuffer(bytes)); return held.length; }
export function fill(bytes: u32): u32 { const block = heap.alloc(bytes); memory.fill(block, 1, bytes); heap.free(block); return memory.size(); }
export function pages(): u32 { return memory.size(); }
export function greet(name: string): string { return "Hello, " + name + "!"; }
`;

const built = writtenAgent(source, { wit, release: true });

async function instance() {
  return onFastLane((await built).bytes);
}

function blocksTouched(bytes: Uint8Array): number {
  let touched = 0;
  for (let from = 0; from < bytes.length; from += blockBytes)
    if (bytes.subarray(from, from + blockBytes).some((byte) => byte !== 0)) touched += 1;
  return touched;
}

test('blocks that come, grow, shrink and go keep what was written into them', async () => {
  const agent = await instance();
  for (let seed = 1; seed <= 8; seed += 1)
    assert.equal(await agent.call('shuffle', [seed * 7919, 5000, seed % 2 === 0 ? 3000 : 20_000]), 0);
});

test('what was freed is used again, in one piece: the memory does not grow with the blocks it had', async () => {
  const agent = await instance();
  await agent.call('shuffle', [3, 20_000, 30_000]);
  const pages = (await agent.call('pages', [])) as number;
  for (let seed = 0; seed < 20; seed += 1) await agent.call('shuffle', [seed, 5000, 30_000]);
  const later = (await agent.call('pages', [])) as number;
  assert.ok(later <= pages * 2, `${pages} pages, then ${later}`);
  // Every block went back: one of nearly all of the memory fits without more of it.
  assert.equal(await agent.call('fill', [later * 65_536 - 50_000]), later);
});

test('memory that the program grows itself is left alone', async () => {
  const agent = await instance();
  for (let count = 1; count <= 6; count += 1) assert.equal(await agent.call('keep', [50_000]), count);
  assert.equal(await agent.call('shuffle', [5, 20_000, 60_000]), 0);
});

test('an agent of a few objects touches two blocks of memory, however many messages it had', async () => {
  const small = await writtenAgent(
    'export function greet(name: string): string { return "Hello, " + name + "!"; }',
    { wit: 'package t:small; world w { export greet: func(name: string) -> string; }', release: true },
  );
  const agent = await onFastLane(small.bytes);
  for (let call = 0; call < 500; call += 1)
    assert.equal(await agent.call('greet', ['Ada Lovelace']), 'Hello, Ada Lovelace!');
  const memory = agent.exports.memory as WebAssembly.Memory;
  assert.equal(memory.buffer.byteLength, 65_536);
  assert.ok(blocksTouched(new Uint8Array(memory.buffer)) <= 2);
});

test('a block beyond all bounds is an error of the program', async () => {
  const agent = await instance();
  await assert.rejects(async () => agent.call('fill', [2 ** 30]), /unreachable|trap/i);
});
