import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeComponent } from '../../../host/engine/component/decode.ts';
import { checkSupport, hasTasks } from '../../../host/engine/general-lane/support.ts';
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

test('tasks are taken, and known as such, also in a component inside', async () => {
  const known = async (wat: string): Promise<boolean> => {
    const component = decodeComponent(await assemble(wat));
    checkSupport(component);
    return hasTasks(component);
  };
  assert.ok(await known('(component (import "f" (func async)))'));
  assert.ok(await known('(component (core func (canon waitable-set.new)))'));
  assert.ok(await known('(component (component (type $s (stream u8)) (core func (canon stream.new $s))))'));
  assert.ok(!(await known('(component (type $r (resource (rep i32))) (core func (canon resource.new $r)))')));
});

test('threads are refused by name', async () => {
  await assert.rejects(
    check('(component (core func (canon thread.suspend)))'),
    unsupported(/thread\.suspend .*threads/),
  );
});

const outsides: readonly (readonly [wat: string, message: RegExp])[] = [
  ['(component (import "m" (core module)))', /imports a core module, 'm'/],
  ['(component (component $c) (export "c" (component $c)))', /exports a component, 'c'/],
  [
    '(component (import "i" (instance (export "inner" (instance)))))',
    /imports 'i' with an interface inside, 'inner'/,
  ],
  ['(component (import "a:b/c@1.0.0" (func)))', /imports a function under the name of an interface, 'a:b/],
];

test('what no WIT world has is refused at the outside by name, and taken inside', async () => {
  for (const [wat, message] of outsides) {
    await assert.rejects(check(wat), unsupported(message));
    if (wat.includes('core module')) await check(`(component ${wat})`);
  }
});
