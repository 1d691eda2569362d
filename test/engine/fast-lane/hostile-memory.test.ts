import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Layouts } from '../../../host/engine/component/layout.ts';
import { componentTypeSection, worldOfComponentType } from '../../../host/engine/component/world.ts';
import { Abi } from '../../../host/engine/fast-lane/abi.ts';
import { Lifts } from '../../../host/engine/fast-lane/lift.ts';
import { Trap } from '../../../host/engine/trap.ts';
import { embedWorld } from '../../support/component-tools.ts';
import { fc } from '../../support/properties.ts';
import { witType, writeWit } from '../../support/wit-values.ts';

const open = { enter: () => {}, leave: () => {} };

/** Words as a hostile or broken guest may leave them: small, near the end of memory, or anything. */
const word = fc.oneof(
  fc.integer({ min: 0, max: 64 }),
  fc.integer({ min: 65_400, max: 65_600 }),
  fc.integer({ min: -0x80000000, max: 0x7fffffff }),
);

test('whatever lies in guest memory, lifting gives a value or a trap of kind canonical-abi', async () => {
  const { declarations, refs } = writeWit(fc.sample(witType(), { numRuns: 60 }));
  const wit = `package a:b; interface t { ${declarations} ${refs.map((ref, index) => `call${index}: func() -> ${ref};`).join('\n')} } world w { import t; }`;
  const world = worldOfComponentType(componentTypeSection(await embedWorld(wit, 'w')) as Uint8Array);
  const layouts = new Layouts(world.types);
  const memory = new WebAssembly.Memory({ initial: 1 });
  const item = world.imports[0];
  assert.ok(item?.kind === 'interface');
  const lifts = (['utf8', 'utf16', 'latin1+utf16'] as const).map(
    (encoding) => new Lifts(world.types, layouts, encoding),
  );
  for (const { type } of item.interface.functions) {
    assert.ok(type.result !== undefined);
    const ref = type.result;
    const { size, align } = layouts.of(ref);
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 16, maxLength: 64 }),
        fc.nat(2),
        fc.nat(256),
        (words, which, at) => {
          new Int32Array(memory.buffer).fill(0).set(words);
          const abi = new Abi(memory, undefined, open);
          abi.beginLift();
          try {
            const pointer = abi.check(at * align, size, align, 'value');
            lifts[which]?.load(ref)(abi, pointer);
          } catch (error) {
            assert.ok(error instanceof Trap && error.kind === 'canonical-abi', String(error));
          }
        },
      ),
      { numRuns: 30 },
    );
  }
});
