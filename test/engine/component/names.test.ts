import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  camelCase,
  isLabel,
  isSemver,
  parseExternName,
  uniqueForm,
} from '../../../host/engine/component/names.ts';

test('labels are kebab case with whole words or whole acronyms', () => {
  for (const name of ['a', 'a-b-c', 'a1-2-3', 'A', 'A1-2-3', 'a11-w0rds', 'm1x3d-4CR0NYMS'])
    assert.ok(isLabel(name), name);
  for (const name of ['', '-', 'a-', '-a', 'a--b', '1-2', 'aB', 'a_b', 'a.b', 'é', 'a-bC'])
    assert.ok(!isLabel(name), name);
});

test('import and export names are taken apart', () => {
  assert.deepEqual(parseExternName('wasi:http/types@0.2.6'), {
    kind: 'interface',
    package: 'wasi:http',
    interface: 'types',
    version: '0.2.6',
  });
  assert.deepEqual(parseExternName('[method]r.m'), { kind: 'method', resource: 'r', member: 'm' });
  assert.deepEqual(parseExternName('[constructor]r'), { kind: 'constructor', resource: 'r' });
  for (const name of ['a:b', 'a:b/c/d', 'a:b/c@1', 'a:b/c@1.2.03', 'A:b/c', '[method]r', '[x]r', 'a:b/c@'])
    assert.equal(parseExternName(name), undefined, name);
});

test('versions are semantic versions', () => {
  for (const text of ['0.0.0', '1.2.3-rc.1+b.01', '1.0.0--']) assert.ok(isSemver(text), text);
  for (const text of ['1', '01.2.3', '1.2.3-01', '1.2.3-', '1.2.3+', '1.2.3.4'])
    assert.ok(!isSemver(text), text);
});

test('a hostile name of one hundred thousand characters is judged at once', () => {
  const startedMs = performance.now();
  assert.ok(!isLabel(`a${'-1'.repeat(50_000)}_`));
  assert.equal(parseExternName(`${'a-1'.repeat(30_000)}:x/y@1.0.0-${'0'.repeat(50_000)}`), undefined);
  assert.ok(performance.now() - startedMs < 500);
});

test('names that bindings could not keep apart have one form', () => {
  assert.equal(uniqueForm('foo-BAR'), 'foo-bar');
  assert.equal(uniqueForm('[method]foo.foo'), 'foo');
  assert.equal(uniqueForm('[static]foo.BAR'), uniqueForm('[method]foo.bar'));
  assert.notEqual(uniqueForm('[constructor]foo'), uniqueForm('foo'));
});

test('kebab case becomes camel case', () => {
  assert.equal(camelCase('HTTP-get-2x'), 'httpGet2x');
});
