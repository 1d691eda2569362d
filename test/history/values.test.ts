import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnreadableValue, ValueReader } from '../../host/history/value-reader.ts';
import { knownShapes, UnwritableValue, ValueWriter, viewTypes } from '../../host/history/value-writer.ts';
import { fc } from '../support/properties.ts';

function bytesOf(value: unknown): Uint8Array {
  const writer = new ValueWriter(1024 * 1024);
  writer.value(value);
  assert.equal(writer.isFull, false);
  return Uint8Array.from(writer.bytes);
}

const leaf = fc.oneof(
  fc.constantFrom(undefined, null, true, false, 0, -0, Number.NaN, Infinity, 2 ** 30, -(2 ** 30), 2 ** 53),
  fc.double(),
  fc.integer(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.uint8Array({ maxLength: 300 }),
  fc.constantFrom(...viewTypes.map((Type) => new Type(new Uint8Array(16).fill(7).buffer))),
);
const name = fc.oneof(
  fc.constantFrom(...knownShapes.flat()),
  fc.string({ maxLength: 30 }).filter((key) => key !== '__proto__'),
);
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 5 },
    leaf,
    fc.array(tie('any'), { maxLength: 5 }),
    fc
      .uniqueArray(name, { maxLength: 11 })
      .chain((keys) =>
        fc
          .tuple(...keys.map(() => tie('any')))
          .map((parts) => Object.fromEntries(keys.map((key, at) => [key, parts[at]]))),
      ),
  ),
})).any;

test('every value that WIT has comes back as it was written', () => {
  fc.assert(
    fc.property(value, (one) => {
      const reader = new ValueReader(bytesOf(one));
      assert.deepStrictEqual(reader.value(), one);
      assert.equal(reader.isAtEnd, true);
    }),
  );
});

test('whatever bytes are read, they are a value or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        new ValueReader(bytes).value();
      } catch (thrown) {
        assert.ok(thrown instanceof UnreadableValue, String(thrown));
      }
    }),
    { numRuns: 2000 },
  );
});

test('a text that loses its way out of UTF-16 is written as what UTF-8 has for it', () => {
  assert.equal(new ValueReader(bytesOf('a\ud800b')).value(), 'a\ufffdb');
});

test('what WIT does not have is not written', () => {
  for (const one of [() => {}, Symbol('s'), new Float16Array(2)])
    assert.throws(() => bytesOf(one), UnwritableValue);
  let deep: unknown = 1;
  for (let depth = 0; depth < 100; depth += 1) deep = [deep];
  assert.throws(() => bytesOf(deep), UnwritableValue);
});

test('a writer that is full says so and writes no more', () => {
  const writer = new ValueWriter(100);
  writer.value(new Uint8Array(200));
  assert.equal(writer.isFull, true);
  assert.ok(writer.length <= 100);
  writer.clear();
  writer.value('again');
  assert.equal(writer.isFull, false);
});
