import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounds } from '../../../host/engine/meter/bounds.ts';
import { meter } from '../../../host/engine/meter/meter.ts';

// Modules that would cost the host far more than their size: each is refused by name, and soon.

const leb = (value: number): number[] =>
  value < 0x80 ? [value] : [(value % 0x80) | 0x80, ...leb(Math.floor(value / 0x80))];

function join(parts: readonly ArrayLike<number>[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function repeated(unit: readonly number[], count: number): Uint8Array {
  const all = new Uint8Array(unit.length * count);
  for (let index = 0; index < count; index += 1) all.set(unit, index * unit.length);
  return all;
}

const section = (id: number, ...parts: readonly ArrayLike<number>[]): Uint8Array => {
  const content = join(parts);
  return join([[id], leb(content.length), content]);
};
const many = (id: number, unit: readonly number[], count: number): Uint8Array =>
  section(id, leb(count), repeated(unit, count));
const module = (...sections: readonly Uint8Array[]): Uint8Array<ArrayBuffer> =>
  join([[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0], ...sections]);

const plainType = section(1, [1, 0x60, 0, 0]);
/** One function `() -> ()` with this code and `locals` i32 locals. */
function oneFunction(code: ArrayLike<number>, locals: number = 1): Uint8Array<ArrayBuffer> {
  const body = join([[1, ...leb(locals), 0x7f], code, [0x0b]]);
  return module(plainType, section(3, [1, 0]), section(10, [1], leb(body.length), body));
}

const oneIf = [0x20, 0, 0x04, 0x40, 0x20, 0, 0x41, 1, 0x6a, 0x21, 0, 0x0b];
const block = [0x02, 0x40, 0x0b];
const tooMany: readonly (readonly [what: string, bytes: () => Uint8Array<ArrayBuffer>])[] = [
  ['types', () => module(many(1, [0x60, 0, 0], bounds.typesMax + 1))],
  [
    'imports',
    () =>
      module(
        plainType,
        section(2, leb(bounds.importsMax + 1), repeated([0, 0, 0, 0], bounds.importsMax + 1)),
      ),
  ],
  ['functions', () => module(plainType, many(3, [0], bounds.functionsMax + 1))],
  ['tables', () => module(many(4, [0x70, 0, 1], bounds.tablesMax + 1))],
  ['memories', () => module(many(5, [0, 1], bounds.memoriesMax + 1))],
  ['memories', () => module(section(2, [1, 0, 0, 2, 0, 1]), many(5, [0, 1], bounds.memoriesMax))],
  ['tags', () => module(plainType, many(13, [0, 0], bounds.tagsMax + 1))],
  ['globals', () => module(many(6, [0x7f, 1, 0x41, 0, 0x0b], bounds.globalsMax + 1))],
  ['data segments', () => module(section(5, [1, 0, 1]), many(11, [1, 0], bounds.dataSegmentsMax + 1))],
  ['element segments', () => module(plainType, many(9, [1, 0, 0], bounds.elementSegmentsMax + 1))],
  ['elements', () => module(section(9, [1, 1, 0], leb(2_000_001), new Uint8Array(2_000_001)))],
  [
    'constant expressions',
    () => module(section(9, [1, 5, 0x70], leb(200_001), repeated([0xd0, 0x70, 0x0b], 200_001))),
  ],
  [
    'constants of more',
    () => module(section(6, [1, 0x7f, 0, 0x41, 0], repeated([0x41, 1, 0x6a], 99_999), [0x0b])),
  ],
  ['custom sections', () => module(repeated([0, 2, 1, 0x61], bounds.customSectionsMax + 1))],
  ['bytes in one function', () => oneFunction(repeated([0x01], bounds.bodyBytesMax))],
  ['conditional branches', () => oneFunction(repeated(oneIf, bounds.conditionsMax + 1))],
  ['locals for its many blocks', () => oneFunction(repeated(block, 1_000), 5_000)],
];

for (const [what, make] of tooMany) {
  test(`too much of one thing (${what}) is refused by name`, () => {
    const bytes = make();
    const startMs = performance.now();
    assert.throws(
      () => meter(bytes, { fuelCell: 'own' }),
      (error: Error & { code?: string }) =>
        error.code === 'HOST_ERR_MODULE_UNSUPPORTED' && error.message.includes(what),
    );
    assert.ok(performance.now() - startMs < 2_000);
  });
}

test('as much as is allowed becomes a valid module of some times the size', () => {
  const allowed = [
    oneFunction(repeated(oneIf, bounds.conditionsMax)),
    oneFunction(repeated(block, 900), 4_000),
    oneFunction(repeated([0x03, 0x40, 0x0b], 100_000)),
    oneFunction(join([repeated([0x02, 0x40], 90_000), repeated([0x0b], 90_000)])),
    module(many(5, [0, 1], bounds.memoriesMax)),
    module(many(6, [0x7f, 1, 0x41, 0, 0x0b], bounds.globalsMax)),
  ];
  for (const bytes of allowed) {
    const metered = meter(bytes, { fuelCell: 'own' }).bytes;
    assert.ok(WebAssembly.validate(metered));
    assert.ok(metered.length < bytes.length * 12 + 1024, `${bytes.length} to ${metered.length}`);
  }
});
