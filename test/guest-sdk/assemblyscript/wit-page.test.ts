import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { stopTranspiler } from '../../../host/engine/general-lane/transpile.ts';
import type { Instance } from '../../../host/engine/instance.ts';
import { Linker } from '../../../host/engine/linker.ts';
import { onGeneralLane } from '../../support/lanes.ts';
import { writtenAgent } from '../../support/written-agent.ts';

const page = readFileSync(resolve(import.meta.dirname, '../../../docs/wit-in-assemblyscript.md'), 'utf8');
const block = (language: string): string => {
  const found = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(page)?.[1];
  assert.ok(found !== undefined, language);
  return found;
};

const lines: unknown[][] = [];
const linker = new Linker().define('motehost:agent/log@0.1.0', {
  functions: { enabled: () => true, write: (...line: unknown[]) => void lines.push(line) },
  suspending: new Set(),
});
let shop: Instance;

before(async () => {
  const { bytes } = await writtenAgent(block('ts'), { wit: block('wit'), world: 'shop' });
  shop = await onGeneralLane(bytes, linker);
});
after(stopTranspiler);

test("the page's example is built from its own text and works", async () => {
  const cart = (name: string): string => `shop:api/cart@1.0.0#${name}`;
  const mine = await shop.call(cart('[constructor]cart'), ['Ada']);
  const add = (name: string, count: number, note?: string): Promise<unknown> =>
    shop.call(cart('[method]cart.add'), [mine, { name, count, note }]);
  assert.deepEqual(await shop.call(cart('total'), [mine]), { tag: 'err', val: { tag: 'empty' } });
  assert.deepEqual(await add('tea', 2), { tag: 'ok', val: 1 });
  assert.deepEqual(await add('nails', 100), { tag: 'err', val: { tag: 'too-many', val: 100 } });
  assert.deepEqual(await add('milk', 3, 'cold'), { tag: 'ok', val: 2 });
  assert.deepEqual(await shop.call(cart('total'), [mine]), { tag: 'ok', val: 5n });
  const items = (await shop.call(cart('[method]cart.items'), [mine])) as unknown[];
  assert.deepEqual(items.at(-1), { name: 'milk', count: 3, note: 'cold' });
  assert.deepEqual(await shop.call('names', [items]), ['tea', 'milk']);
  assert.deepEqual(lines, [['info', 'Ada has 5', []]]);
});

test('every kind of WIT type has a row', () => {
  for (const kind of [
    'bool',
    'char',
    'string',
    'list',
    'map',
    'tuple',
    'option',
    'result',
    'record',
    'variant',
    'enum',
    'flags',
    'resource',
    'stream',
    'future',
  ])
    assert.match(page, new RegExp(`^\\| [^|]*\`${kind}`, 'm'), kind);
});
