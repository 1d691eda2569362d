import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { stopTranspiler } from '../../host/engine/general-lane/transpile.ts';
import { prepareProgram } from '../../host/engine/prepare.ts';
import { HostError } from '../../host/errors.ts';
import { assemble } from '../support/component-tools.ts';

after(stopTranspiler);

const sound = '(core module $m (func (export "f")))';
const broken = '(core module $broken (func i32.add drop))';
const lifted = '(core instance $i (instantiate $m)) (func (export "f") (canon lift (core func $i "f")))';
/** Keeps a component off the fast lane. */
const resource = '(type $r (resource (rep i32))) (core func (canon resource.new $r))';

async function prepare(parts: string): Promise<string> {
  const { facts } = await prepareProgram(new Uint8Array(await assemble(`(component ${parts})`)), () => {});
  return facts.lane;
}

const isMalformed = (thrown: unknown): boolean =>
  thrown instanceof HostError &&
  (thrown.code === 'HOST_ERR_COMPONENT_MALFORMED' || thrown.code === 'HOST_ERR_MODULE_MALFORMED') &&
  !thrown.message.includes('bug');

test('components of sound core modules are taken by both lanes', async () => {
  assert.equal(await prepare(sound + lifted), 'fast');
  assert.equal(await prepare(sound + sound.replace('$m', '$n') + lifted), 'fast');
  assert.equal(await prepare(`${sound}${lifted}(core instance (instantiate $m))`), 'general');
});

test('an invalid core module is refused in both lanes, whether it runs or not', async () => {
  const cases = [
    sound.replace('(func', '(func i32.add drop) (func') + lifted,
    sound + broken + lifted,
    `${sound}${lifted}(component ${broken})`,
    `${sound}${lifted}(core instance (instantiate $m))${broken}`,
    `${sound}${lifted}${resource}${broken}`,
    `${sound}${lifted}(core instance (instantiate $m))(component ${broken})`,
  ];
  for (const parts of cases) await assert.rejects(prepare(parts), isMalformed, parts);
});

test('a core module of too many types is refused in both lanes, before the engine sees it', async () => {
  const types = (count: number): string => `(core module ${'(type (func))'.repeat(count)})`;
  const refused = { code: 'HOST_ERR_MODULE_UNSUPPORTED', message: /more than 30000 types/ };
  for (const [extra, lane] of [
    ['', 'fast'],
    ['(core instance (instantiate $m))', 'general'],
  ]) {
    assert.equal(await prepare(types(30_000) + sound + lifted + extra), lane);
    await assert.rejects(prepare(types(30_001) + sound + lifted + extra), refused);
  }
  await assert.rejects(prepare(`${sound}${lifted}(component ${types(30_001)})`), refused);
});
