import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Random, systemRandom } from '../../host/clock.ts';
import { HostSecret } from '../../host/identity/host-secret.ts';
import { StoreSeal, sealOverheadBytes } from '../../host/identity/store-seal.ts';
import { flipped } from './parties.ts';

const secret = new HostSecret(new Uint8Array(32).fill(7));
const content = Buffer.from('a block of a journal');

function sealOf(store = 'journal', from = secret, random: Random = systemRandom): StoreSeal {
  return new StoreSeal({ secret: from, random, store });
}

function kindOf(opened: ReturnType<StoreSeal['open']>): string {
  return opened.kind === 'refused' ? opened.why : opened.kind;
}

test('what was sealed is opened by the next run, and is nowhere in the clear', () => {
  const writer = sealOf().writer('00000001.journal');
  const blocks = [0, 100, 200].map((offset) => writer.seal(offset, content));
  for (const [at, block] of blocks.entries()) {
    assert.equal(block.length, content.length + sealOverheadBytes);
    assert.ok(!Buffer.from(block).includes(content.subarray(0, 4)));
    const opened = sealOf().open('00000001.journal', at * 100, block);
    assert.deepEqual(opened.kind === 'opened' && Buffer.from(opened.content), content);
  }
  const empty = writer.seal(300, new Uint8Array(0));
  assert.equal(kindOf(sealOf().open('00000001.journal', 300, empty)), 'opened');
});

test('attack, moved block: it opens in its own store, file and place, under its own host, and nowhere else', () => {
  const block = sealOf().writer('1').seal(100, content);
  assert.equal(kindOf(sealOf().open('1', 100, block)), 'opened');
  assert.equal(kindOf(sealOf().open('1', 101, block)), 'unauthentic');
  assert.equal(kindOf(sealOf().open('2', 100, block)), 'unauthentic');
  assert.equal(kindOf(sealOf('cold').open('1', 100, block)), 'unauthentic');
  const other = new HostSecret(new Uint8Array(32).fill(8));
  assert.equal(kindOf(sealOf('journal', other).open('1', 100, block)), 'unauthentic');
});

test('attack, flipped and truncated blocks: every bit and every byte counts', () => {
  const seal = sealOf();
  const block = seal.writer('1').seal(0, content);
  for (let bit = 0; bit < block.length * 8; bit++)
    assert.equal(seal.open('1', 0, flipped(block, bit)).kind, 'refused', `bit ${bit}`);
  for (let length = 0; length < block.length; length++)
    assert.equal(seal.open('1', 0, block.subarray(0, length)).kind, 'refused', `${length} bytes`);
  assert.equal(kindOf(seal.open('1', 0, Buffer.concat([block, Buffer.alloc(1)]))), 'unauthentic');
  assert.equal(kindOf(seal.open('1', 0, block)), 'opened');
});

test('no nonce is used twice, in a file and after a restart: key and number differ for every block', () => {
  const used = new Set<string>();
  for (let run = 0; run < 3; run++) {
    const seal = sealOf();
    // Two writers of one file at once, as after a copy was put back, count as a restart does.
    const writers = [seal.writer('1'), seal.writer('1'), seal.writer('2')];
    for (const writer of writers)
      for (let at = 0; at < 4; at++) {
        // Salt and number: with the file, what key and nonce are made of.
        const block = writer.seal(0, content);
        used.add(Buffer.from(block.subarray(1, 25)).toString('hex'));
      }
  }
  assert.equal(used.size, 36);
});

test('a writer’s entropy goes into its key: with another salt written over it, a block does not open', () => {
  const [one, other] = [1, 2].map((byte) => sealOf('journal', secret, { fill: (bytes) => bytes.fill(byte) }));
  const block = one?.writer('1').seal(0, content) ?? assert.fail();
  const second = other?.writer('1').seal(0, content) ?? assert.fail();
  assert.notDeepEqual(block.subarray(25), second.subarray(25));
  const mixed = Uint8Array.from(block);
  mixed.set(second.subarray(1, 17), 1);
  assert.equal(kindOf(sealOf().open('1', 0, mixed)), 'unauthentic');
});
