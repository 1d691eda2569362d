import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeComponent } from '../../../host/engine/component/decode.ts';
import { planFastLane } from '../../../host/engine/fast-lane/plan.ts';
import { assemble, buildComponent, bumpAllocator } from '../../support/component-tools.ts';

async function refusalOf(wat: string): Promise<string> {
  const plan = planFastLane(decodeComponent(await assemble(wat)));
  assert.ok('refused' in plan, 'it was planned');
  return plan.refused;
}

test('a plan is plain data and survives a cache', async () => {
  const bytes = await buildComponent(
    `(module (memory (export "memory") 3) (table 5 funcref) ${bumpAllocator} (func (export "f") (param i32 i32)))`,
    'package a:b; world w { export f: func(x: string); }',
    'w',
  );
  const plan = planFastLane(decodeComponent(bytes));
  assert.ok(!('refused' in plan));
  assert.deepEqual(JSON.parse(JSON.stringify(plan)), plan);
  assert.deepEqual([plan.memoryPages, plan.tableElements, plan.startCharge], [3, 5, 0]);
});

const core = '(core module $m (memory (export "m") 1) (func (export "f")) (func (export "g") (param i32)))';
const refusals: readonly (readonly [what: string, wat: string, why: RegExp])[] = [
  [
    'resources',
    `(component ${core} (core instance $i (instantiate $m)) (import "r" (type $r (sub resource))) (func $g (param "x" (own $r)) (canon lift (core func $i "g"))) (export "g" (func $g)))`,
    /resources/,
  ],
  [
    'two real core modules',
    `(component ${core} (core instance (instantiate $m)) (core instance (instantiate $m)))`,
    /2 core modules/,
  ],
  ['no core module', '(component)', /0 core modules/],
  [
    'an import passed on as an export',
    `(component ${core} (core instance (instantiate $m)) (import "f" (func $f)) (export "g" (func $f)))`,
    /passes on an import/,
  ],
  [
    'a component with code inside',
    `(component (component ${core} (core instance (instantiate $m))) ${core} (core instance (instantiate $m)))`,
    /components with code/,
  ],
  [
    'an imported core module',
    '(component (import "m" (core module $m)) (core instance (instantiate $m)))',
    /imported/,
  ],
  [
    'a built-in of the resource kind',
    `(component (type $r (resource (rep i32))) (core func $drop (canon resource.drop $r)) (core module $m (import "a" "b" (func (param i32)))) (core instance $x (export "b" (func $drop))) (core instance (instantiate $m (with "a" (instance $x)))))`,
    /resource\.drop/,
  ],
];

for (const [what, wat, why] of refusals) {
  test(`a component with ${what} is left to the general lane, with the reason`, async () => {
    assert.match(await refusalOf(wat), why);
  });
}

test('a module that only calls the start function is seen through where there are no imports', async () => {
  const bytes = await buildComponent(
    `(module (memory (export "memory") 1) ${bumpAllocator} (func (export "_initialize")) (func (export "f") (param i32 i32)))`,
    'package a:b; world w { export f: func(x: string); }',
    'w',
  );
  const plan = planFastLane(decodeComponent(bytes));
  assert.ok(!('refused' in plan), 'refused' in plan ? plan.refused : '');
  assert.deepEqual([plan.start, plan.startCharge], ['_initialize', 2]);
});
