import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { instantiateGeneral } from '../../../host/engine/general-lane/general-lane.ts';
import { stopTranspiler } from '../../../host/engine/general-lane/transpile.ts';
import type { Instance } from '../../../host/engine/instance.ts';
import { Linker } from '../../../host/engine/linker.ts';
import { counterComponent } from './guests.ts';
import { budgetWith, prepareMetered } from './lane.ts';

after(stopTranspiler);

const name = (member: string): string => `test:res/counters@0.1.0#${member}`;

async function start(): Promise<Instance> {
  const prepared = await prepareMetered(await counterComponent(), new Linker());
  return await instantiateGeneral(prepared, new Linker(), budgetWith({}, { fuelSlice: 1n, yieldMs: 0 }));
}

test('a resource that a component exports is made, called, lent and dropped by the host', async () => {
  const instance = await start();
  const counter = (await instance.call(name('[constructor]counter'), [5])) as Disposable;
  assert.deepEqual(await instance.call(name('[method]counter.next'), [counter]), { tag: 'ok', val: 6 });
  assert.deepEqual(await instance.call(name('[method]counter.next'), [counter]), { tag: 'ok', val: 7 });
  assert.equal(await instance.call('peek', [counter]), 7);
  assert.equal(await instance.call('dropped', []), 0);
  counter[Symbol.dispose]();
  assert.equal(await instance.call('dropped', []), 1);
});

test('a static function makes one too', async () => {
  const instance = await start();
  const counter = await instance.call(name('[static]counter.zero'), []);
  assert.equal(await instance.call('peek', [counter]), 0);
});

test('what is not such a resource is refused before the guest sees it', async () => {
  const instance = await start();
  for (const wrong of [7, undefined, {}])
    await assert.rejects(instance.call(name('[method]counter.next'), [wrong]), {
      code: 'HOST_ERR_VALUE_INVALID',
    });
});
