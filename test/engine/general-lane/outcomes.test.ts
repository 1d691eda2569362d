import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { instantiateGeneral, type PreparedGeneral } from '../../../host/engine/general-lane/general-lane.ts';
import { stopTranspiler } from '../../../host/engine/general-lane/transpile.ts';
import type { Instance } from '../../../host/engine/instance.ts';
import { Linker } from '../../../host/engine/linker.ts';
import { labComponent } from './guests.ts';
import { labLinker } from './lab.ts';
import { budgetWith, prepareUnmetered } from './lane.ts';

let prepared: PreparedGeneral;
before(async () => {
  prepared = await prepareUnmetered(await labComponent(), labLinker());
});
after(stopTranspiler);

const start = (linker = labLinker()): Promise<Instance> => instantiateGeneral(prepared, linker, budgetWith());

test('values go in and come back, and calls follow each other', async () => {
  const instance = await start();
  assert.equal(await instance.call('echo', ['grüße 😀\ufeff']), 'grüße 😀\ufeff');
  assert.deepEqual(await instance.call('bytes', [new Uint8Array([1, 2, 3])]), new Uint8Array([1, 2, 3]));
  assert.equal(await instance.call('plain', [7]), 7);
  assert.equal(await instance.call('wait', [7]), 9);
});

test('a host resource is made, used and dropped', async () => {
  const dropped: number[] = [];
  const instance = await start(labLinker(dropped));
  assert.equal(await instance.call('make', [5]), 15);
  assert.deepEqual(dropped, [5]);
});

test('a result is a value: its err is neither thrown nor a trap', async () => {
  const instance = await start();
  assert.deepEqual(await instance.call('choose', [2]), { tag: 'ok', val: 2 });
  assert.deepEqual(await instance.call('choose', [3]), { tag: 'err', val: 'odd: 3' });
  assert.deepEqual(await instance.call('choose', [4]), { tag: 'ok', val: 4 });
});

const ends: readonly (readonly [name: string, args: readonly unknown[], kind: string])[] = [
  ['trap', [], 'unreachable'],
  ['deep', [1], 'stack-overflow'],
  ['outside', [], 'canonical-abi'],
  ['bad-text', [], 'canonical-abi'],
  ['bad-enum', [], 'canonical-abi'],
  ['bomb', [], 'canonical-abi'],
  ['plain', [13], 'host-fault'],
  ['plain', [14], 'host-fault'],
  ['plain', [15], 'host-fault'],
  ['choose', [13], 'host-fault'],
  ['choose', [15], 'host-fault'],
];

for (const [name, args, kind] of ends) {
  test(`${name}(${args}) ends in the trap '${kind}' and closes the instance, and the next one works`, async () => {
    const instance = await start();
    await assert.rejects(instance.call(name, args), { name: 'Trap', kind });
    await assert.rejects(instance.call('plain', [1]), { code: 'HOST_ERR_INSTANCE_CLOSED' });
    assert.equal(await (await start()).call('plain', [1]), 1);
  });
}

test('a call that arrives during another is refused, and the first one ends well', async () => {
  const instance = await start();
  const first = instance.call('wait', [1]);
  await assert.rejects(instance.call('plain', [1]), { code: 'HOST_ERR_INSTANCE_BUSY' });
  assert.equal(await first, 3);
  assert.equal(await instance.call('plain', [1]), 1);
});

test('wrong arguments are the caller’s fault and leave the instance as it was', async () => {
  const instance = await start();
  const wrong: readonly (readonly [string, readonly unknown[]])[] = [
    ['plain', []],
    ['plain', ['7']],
    ['plain', [-1]],
    ['plain', [2 ** 32]],
    ['echo', [7]],
    ['bytes', ['text']],
    ['bytes', [[1, 256]]],
  ];
  for (const [name, args] of wrong)
    await assert.rejects(instance.call(name, args), { code: 'HOST_ERR_VALUE_INVALID' }, `${name}(${args})`);
  assert.equal(await instance.call('plain', [1]), 1);
});

test('an unknown export is refused with what there is', async () => {
  const instance = await start();
  assert.equal(instance.has('plain'), true);
  assert.equal(instance.has('toString'), false);
  await assert.rejects(instance.call('toString', []), { code: 'HOST_ERR_EXPORT_UNKNOWN', message: /plain/ });
});

test('a host that offers too little is told everything that is missing', async () => {
  await assert.rejects(start(new Linker()), {
    code: 'HOST_ERR_LINK_MISSING_IMPORT',
    message: /test:lab\/host@0\.1\.0, \$root/,
  });
  const partial = labLinker().define('$root', { functions: {}, suspending: new Set() });
  await assert.rejects(start(partial), { code: 'HOST_ERR_LINK_MISSING_IMPORT', message: /: top$/ });
});
