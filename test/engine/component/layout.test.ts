import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCoreModule } from '../../../host/engine/component/core-module.ts';
import { coreSignature, Layouts } from '../../../host/engine/component/layout.ts';
import { Reader } from '../../../host/engine/component/reader.ts';
import { componentTypeSection, worldOfComponentType } from '../../../host/engine/component/world.ts';
import { embedWorld } from '../../support/component-tools.ts';
import { fc } from '../../support/properties.ts';
import { seedOf } from '../../support/seed.ts';
import { witType, writeWit } from '../../support/wit-values.ts';

test('core signatures equal those that wit-component computes for generated functions', async () => {
  const seed = seedOf('LAYOUT_SEED');
  const { declarations, refs } = writeWit(fc.sample(witType(), { numRuns: 120, seed }));
  const functions = refs.map((ref, index) => {
    const next = refs[(index + 1) % refs.length];
    return `call${index}: func(a: ${ref}, b: ${next}, c: u8) -> ${ref};`;
  });
  const wit = `package a:b; interface t { ${declarations} ${functions.join('\n')} } world w { import t; export t; }`;
  const module = await embedWorld(wit, 'w');
  const shape = readCoreModule(new Reader(module, 0, module.length));
  const world = worldOfComponentType(componentTypeSection(module) as Uint8Array);
  const layouts = new Layouts(world.types);
  const item = world.exports.find((one) => one.kind === 'interface');
  assert.ok(item?.kind === 'interface');
  for (const { name, type } of item.interface.functions) {
    const exported = shape.exports.get(`cm32p2|a:b/t|${name}`);
    const imported = shape.imports.find((one) => one.name === name);
    assert.ok(exported?.sort === 'func' && imported?.type.sort === 'func', name);
    const lifted = coreSignature(layouts, type, 'lift');
    const lowered = coreSignature(layouts, type, 'lower');
    assert.deepEqual(
      [lifted.params, lifted.results],
      [exported.type?.params, exported.type?.results],
      `LAYOUT_SEED=${seed} ${name}`,
    );
    assert.deepEqual(
      [lowered.params, lowered.results],
      [imported.type.type?.params, imported.type.type?.results],
    );
  }
});

test('sizes, alignments and offsets follow the canonical ABI', () => {
  const layouts = new Layouts([
    {
      kind: 'record',
      fields: [
        { name: 'a', type: 'u8' },
        { name: 'b', type: 'u64' },
        { name: 'c', type: 'string' },
      ],
    },
    { kind: 'variant', cases: [{ name: 'a' }, { name: 'b', type: 'f64' }, { name: 'c', type: 'u8' }] },
    { kind: 'enum', names: Array.from({ length: 257 }, (_, index) => `n${index}`) },
    { kind: 'flags', names: Array.from({ length: 9 }, (_, index) => `n${index}`) },
    { kind: 'list', element: 'u16', length: 20 },
    { kind: 'result', ok: 'f32', err: 'u32' },
  ]);
  assert.deepEqual(layouts.of(0), { size: 24, align: 8, flat: 'iIii', offsets: [0, 8, 16] });
  assert.deepEqual(layouts.of(1), { size: 16, align: 8, flat: 'iI', discriminantBytes: 1, payloadOffset: 8 });
  assert.deepEqual([layouts.of(2).size, layouts.of(2).discriminantBytes], [2, 2]);
  assert.equal(layouts.of(3).size, 2);
  assert.deepEqual(layouts.of(4), { size: 40, align: 2, flat: undefined });
  assert.equal(layouts.of(5).flat, 'ii');
});
