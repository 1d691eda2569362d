import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeComponent } from '../../../host/engine/component/decode.ts';
import { checkSupport } from '../../../host/engine/general-lane/support.ts';
import { assemble } from '../../support/component-tools.ts';

const unsupported = (feature: RegExp) => ({ code: 'HOST_ERR_COMPONENT_UNSUPPORTED', message: feature });

async function check(wat: string): Promise<void> {
  checkSupport(decodeComponent(await assemble(wat)));
}

test('resources and plain functions are taken', async () => {
  await check(`(component
    (type $r (resource (rep i32)))
    (core func (canon resource.new $r))
    (core module $m (func (export "f")))
    (core instance $i (instantiate $m))
    (func (export "f") (canon lift (core func $i "f"))))`);
});

test('an asynchronous function is refused by name', async () => {
  await assert.rejects(
    check('(component (import "f" (func async)))'),
    unsupported(/an async function .*asynchronous ABI.*WASI 0\.2/),
  );
});

test('asynchronous built-ins are refused by name, also in a component inside', async () => {
  await assert.rejects(
    check('(component (core func (canon waitable-set.new)))'),
    unsupported(/waitable-set\.new/),
  );
  await assert.rejects(
    check('(component (component (type $s (stream u8)) (core func (canon stream.new $s))))'),
    unsupported(/stream\.new/),
  );
});
