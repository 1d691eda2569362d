import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { type AddressMap, AddressSpace, countHoles } from '../../host/engine/address-space.ts';

const gib = 2 ** 30;
const tib = 2 ** 40;
const line = (from: number, to: number): string =>
  `${from.toString(16).padStart(8, '0')}-${to.toString(16)} rw-p 00000000 00:00 0 \n`;
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

test('holes are counted between the mappings and up to the end of what can be addressed', () => {
  assert.equal(countHoles(bytesOf(''), 8 * gib), 16_384);
  const below = line(0, 16 * gib) + line(24 * gib, 32 * gib) + line(48 * gib - 1, 2 ** 47 - 8 * gib);
  assert.equal(countHoles(bytesOf(below), 8 * gib), 1 + 1 + 1);
  assert.equal(countHoles(bytesOf(below), 8 * gib + 1), 1);
  const kernels = `${below}ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0  [vsyscall]\n`;
  assert.equal(countHoles(bytesOf(kernels), 8 * gib), 3);
});

/** A process that has reserved so much, in pieces with `holes` slots between them. */
function piecesOf(reservedBytes: number, holes: number): AddressMap & { looks: number } {
  const lines = Array.from({ length: holes + 1 }, (_, index) =>
    line(index * 17 * gib, (index * 17 + 1) * gib),
  );
  lines.push(line((holes * 17 + 1) * gib, 2 ** 47));
  const map = {
    looks: 0,
    reservedBytes: () => reservedBytes,
    mappings: () => {
      map.looks += 1;
      return bytesOf(lines.join(''));
    },
  };
  return map;
}

test('where little is reserved nobody looks for holes', () => {
  const map = piecesOf(30 * tib, 0);
  const addresses = new AddressSpace(2, map);
  for (let count = 0; count < 1000; count += 1) assert.ok(addresses.hasRoom(1, count % 2 === 0));
  assert.equal(map.looks, 0);
});

test('where much is reserved there is room while enough holes are left, and a look serves many', () => {
  const map = piecesOf(60 * tib, 1000);
  const addresses = new AddressSpace(2, map);
  for (let count = 0; count < 250; count += 1) assert.ok(addresses.hasRoom(1));
  assert.equal(map.looks, 1, 'half of them are dealt out to two threads');
  assert.ok(addresses.hasRoom(1));
  assert.equal(map.looks, 2);
  assert.equal(new AddressSpace(2, piecesOf(60 * tib, 400)).hasRoom(1), false);
  assert.equal(new AddressSpace(2, piecesOf(60 * tib, 400)).hasRoom(1, true), false);
});

test('where the kernel tells nothing there is room', () => {
  const silent: AddressMap = { reservedBytes: () => undefined, mappings: () => undefined };
  assert.ok(new AddressSpace(1, silent).hasRoom(1));
});

test('a thread that takes all memories it may, among the holes that others left, lives on', {
  skip: process.platform !== 'linux',
  timeout: 60_000,
}, () => {
  const filler = join(import.meta.dirname, 'address-filler.ts');
  const { stdout } = spawnSync(process.execPath, [filler], { encoding: 'utf8', timeout: 50_000 });
  assert.match(stdout, /^\d{4,5}\n$/);
  assert.ok(Number(stdout) > 8_000, stdout);
});
