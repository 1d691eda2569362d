import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeComponent } from '../../../host/engine/component/decode.ts';
import { worldOf } from '../../../host/engine/component/world.ts';
import { assemble } from '../../support/component-tools.ts';

const core =
  '(core module $m (func (export "f") (result i32) unreachable)) (core instance $i (instantiate $m))';
const record = '(type $rec (record (field "x" u32)))';
const lifted = (type: string): string => `(func $f (result ${type}) (canon lift (core func $i "f")))`;

const decode = async (parts: string) => decodeComponent(await assemble(`(component ${parts})`));
const hidden = { code: 'HOST_ERR_COMPONENT_MALFORMED', message: /has no name outside of the component/ };

test('a type that was exported under a name may be mentioned by that name', async () => {
  const component = await decode(
    `${core}${record}${lifted('$rec')}(export $named "rec" (type $rec)) (export "f" (func $f) (func (result $named)))`,
  );
  const world = worldOf(component);
  assert.deepEqual(
    world.types.map(({ kind, name }) => ({ kind, name })),
    [{ kind: 'record', name: 'rec' }],
  );
});

test('tuples, options and lists need no name', async () => {
  await decode(`${core}${lifted('(tuple u32)')}(export "f" (func $f))`);
});

test('an imported type may be mentioned by imports and exports', async () => {
  await decode(
    `${core}${record}(import "rec" (type $named (eq $rec))) (import "g" (func (param "x" $named)))${lifted('$named')}(export "f" (func $f))`,
  );
});

for (const [what, parts] of [
  ['no name', `${core}${record}${lifted('$rec')}(export "f" (func $f))`],
  [
    'a name that is not used',
    `${core}${record}${lifted('$rec')}(export "rec" (type $rec))(export "f" (func $f))`,
  ],
  ['no name inside a tuple', `${core}${record}${lifted('(tuple $rec)')}(export "f" (func $f))`],
  ['no name in an exported type', `${record}(type $list (list $rec))(export "t" (type $list))`],
  ['no name in an import', `${record}(import "f" (func (param "x" $rec)))`],
  [
    'only the name of an export in an import',
    `${record}(export $named "rec" (type $rec))(import "f" (func (param "x" $named)))`,
  ],
] as const) {
  test(`a record with ${what} is refused`, async () => {
    await assert.rejects(decode(parts), hidden);
  });
}
