import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { instantiateGeneral } from '../../../host/engine/general-lane/general-lane.ts';
import { stopTranspiler } from '../../../host/engine/general-lane/transpile.ts';
import { Linker } from '../../../host/engine/linker.ts';
import { Trap } from '../../../host/engine/trap.ts';
import { type EchoComponent, echoComponent, echoHost } from '../../support/echo-component.ts';
import { budgetWith, prepareMetered } from './lane.ts';

after(stopTranspiler);

let echo: Promise<EchoComponent> | undefined;

/** Calls the guest, whose host function answers with `answer`. */
async function relay(answer: unknown): Promise<unknown> {
  echo ??= echoComponent('record pair { left: u8, right: string }', ['pair']);
  const linker = new Linker().define(echoHost, {
    functions: {
      echo0: () => {
        if (answer instanceof Trap) throw answer;
        return answer;
      },
    },
    suspending: new Set(),
  });
  const prepared = await prepareMetered((await echo).bytes, linker);
  const instance = await instantiateGeneral(prepared, linker, budgetWith());
  return await instance.call('relay0', [{ left: 1, right: 'one' }]);
}

test('a value of the right type comes back through the guest', async () => {
  assert.deepEqual(await relay({ left: 2, right: 'two' }), { left: 2, right: 'two' });
});

test('a host function that answers with another type is at fault, not the guest', async () => {
  await assert.rejects(relay(undefined), { kind: 'host-fault', message: /does not fit its WIT type/ });
  await assert.rejects(relay({ left: 2, right: 7 }), {
    kind: 'host-fault',
    message: /does not fit its WIT type/,
  });
});

test('a host function that ends the guest for what it asks says so, and is not at fault', async () => {
  await assert.rejects(relay(new Trap('allocation-too-large', 'too much')), {
    kind: 'allocation-too-large',
    message: 'too much',
  });
});
