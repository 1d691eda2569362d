import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { decodeComponent } from '../../../host/engine/component/decode.ts';
import { worldOf } from '../../../host/engine/component/world.ts';
import { instantiateGeneral } from '../../../host/engine/general-lane/general-lane.ts';
import {
  stopTranspiler,
  transpileComponent,
  transpilerVersion,
} from '../../../host/engine/general-lane/transpile.ts';
import type { Transpiled } from '../../../host/engine/general-lane/transpiled.ts';
import { Linker } from '../../../host/engine/linker.ts';
import { prepareProgram } from '../../../host/engine/prepare.ts';
import { componentFrom, helloComponent } from './guests.ts';
import { budgetWith, prepareUnmetered } from './lane.ts';

after(stopTranspiler);

function transpile(bytes: Uint8Array, deadlineMs = 60_000): Promise<Transpiled> {
  const component = decodeComponent(bytes);
  return transpileComponent(component, { world: worldOf(component), suspendingImports: [], deadlineMs });
}

const escaped = (name: string): string =>
  [...new TextEncoder().encode(name)].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('');

/** Two core modules that meet under a name of the test's choice. */
function meetingUnder(name: string): Promise<Uint8Array> {
  const text = escaped(name);
  return parse(`(component
    (core module $a (func (export "${text}") (result i32) i32.const 7))
    (core module $b (import "${text}" "${text}" (func $f (result i32))) (func (export "${text}") (result i32) call $f))
    (core instance $x (instantiate $a))
    (core instance $y (instantiate $b (with "${text}" (instance $x))))
    (func (export "go") (result u32) (canon lift (core func $y "${text}"))))`);
}

test('the output is plain data and the same again on the same thread', async () => {
  const bytes = await helloComponent();
  const first = await transpile(bytes);
  assert.deepEqual(structuredClone(first), first);
  assert.deepEqual(await transpile(bytes), first);
});

for (const name of ['plain', 'a b', 'a"b', '$x', 'ünïcode', 'constructor', '*/']) {
  test(`core modules may meet under the name ${JSON.stringify(name)}`, async () => {
    const prepared = await prepareUnmetered(await meetingUnder(name), new Linker());
    const instance = await instantiateGeneral(prepared, new Linker(), budgetWith());
    assert.equal(await instance.call('go', []), 7);
  });
}

for (const name of ["'", "x'];globalThis.taken=1;//", '\\', 'a\nb', '\u2028', '\0', '__proto__']) {
  test(`the core name ${JSON.stringify(name)}, which could become code, is refused`, async () => {
    await assert.rejects(transpile(await meetingUnder(name)), {
      code: 'HOST_ERR_COMPONENT_UNSUPPORTED',
      message: /a core module uses the name/,
    });
    assert.equal(Reflect.get(globalThis, 'taken'), undefined);
  });
}

test('names that clash in the generated module are refused before anybody loads it', async () => {
  await assert.rejects(transpile(await meetingUnder('')), {
    code: 'HOST_ERR_COMPONENT_UNSUPPORTED',
    message: /cannot be written as a module/,
  });
});

test('a guest cannot take the meter’s own namespace', async () => {
  for (const name of ['motehost:meter', 'motehost:meter/m0'])
    await assert.rejects(transpile(await meetingUnder(name)), {
      code: 'HOST_ERR_COMPONENT_UNSUPPORTED',
      message: /belongs to the host/,
    });
});

test('the version in cache keys is that of the generator that runs', () => {
  const path = new URL('../../../node_modules/@bytecodealliance/jco-transpile/package.json', import.meta.url);
  const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string };
  assert.ok(transpilerVersion.startsWith(`jco-transpile-${version}+`));
});

test('strings in latin1+utf16 are refused by name', async () => {
  const bytes = await parse(`(component
    (core module $m (memory (export "memory") 1)
      (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 0)
      (func (export "go") (param i32 i32)))
    (core instance $i (instantiate $m))
    (func (export "go") (param "s" string) (canon lift (core func $i "go")
      (memory (core memory $i "memory")) (realloc (core func $i "cabi_realloc")) string-encoding=latin1+utf16)))`);
  await assert.rejects(transpile(bytes), {
    code: 'HOST_ERR_COMPONENT_UNSUPPORTED',
    message: /latin1\+utf16/,
  });
});

test('a core module that is not valid gives one clean line when the component is prepared', async () => {
  const bytes = new Uint8Array(
    await parse(`(component
      (core module $m (func (export "go") (result i32) i32.const 7))
      (core instance $i (instantiate $m))
      (core instance $second (instantiate $m))
      (func (export "go") (result u32) (canon lift (core func $i "go"))))`),
  );
  const at = bytes.findIndex((byte, here) => byte === 0x41 && bytes[here + 1] === 7);
  bytes[at] = 0x42; // i64.const in a function that returns i32
  await assert.rejects(
    prepareProgram(bytes, () => {}),
    {
      code: 'HOST_ERR_MODULE_MALFORMED',
      message: /^not a valid WebAssembly module: Compiling function .*type error/,
    },
  );
});

test('a preparation that takes too long is ended, and the next one runs', async () => {
  const bytes = await helloComponent();
  await assert.rejects(transpile(bytes, 0), {
    code: 'HOST_ERR_COMPONENT_UNSUPPORTED',
    message: /longer than 0 ms/,
  });
  assert.equal((await transpile(bytes)).coreModules.length, 3);
});

test('a pooled buffer is copied: its neighbours do not cross and it stays usable', async () => {
  const pooled = Buffer.from(await helloComponent());
  await transpile(pooled);
  assert.equal(decodeComponent(pooled).modules.length > 0, true);
});

const versionsWit = `
package test:app;
package test:dep@1.0.0 { interface names { get: func() -> u32; } }
package test:dep@2.0.0 { interface names { get: func() -> u32; } }
world app {
  import test:dep/names@1.0.0;
  import test:dep/names@2.0.0;
  export test:dep/names@1.0.0;
  export names: interface { get: func() -> u32; }
}`;
const versionsWat = `(module
  (import "test:dep/names@1.0.0" "get" (func $one (result i32)))
  (import "test:dep/names@2.0.0" "get" (func $two (result i32)))
  (memory (export "memory") 1)
  (func (export "test:dep/names@1.0.0#get") (result i32)
    (i32.add (i32.mul (i32.const 100) (call $one)) (call $two)))
  (func (export "names#get") (result i32) i32.const 5))`;

test('two versions of one interface stay two, and exports are found by any compatible version', async () => {
  const answer = (n: number) => ({ functions: { get: () => n }, suspending: new Set<string>() });
  const linker = new Linker()
    .define('test:dep/names@1.3.0', answer(1))
    .define('test:dep/names@2.0.0', answer(2));
  const prepared = await prepareUnmetered(await componentFrom(versionsWat, versionsWit, 'app'), linker);
  const instance = await instantiateGeneral(prepared, linker, budgetWith());
  assert.equal(await instance.call('test:dep/names@1.0.0#get', []), 102);
  assert.equal(await instance.call('test:dep/names@1.9.9#get', []), 102);
  assert.equal(await instance.call('names#get', []), 5);
  assert.equal(instance.has('test:dep/names@2.0.0#get'), false);
  assert.equal(instance.has('get'), false, 'two interfaces have a get');
});
