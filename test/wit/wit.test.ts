import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { componentEmbed, componentNew, componentWit } from '@bytecodealliance/jco-transpile/wasm-tools';
import { readWit, witFolder } from '../../guest-sdk/build/wit-text.ts';

const worlds = ['imports', 'handler', 'agent'];

for (const world of worlds) {
  test(`the world ${world} resolves and can be built for`, async () => {
    const core = await componentEmbed({ dummy: true, witSource: readWit(witFolder, []).text, world });
    const wit = await componentWit(await componentNew(core));
    for (const name of ['log', 'bus', 'context', 'tools']) {
      assert.ok(wit.includes(`import motehost:agent/${name}@0.1.0;`), name);
    }
    assert.equal(wit.includes('export handle: func('), world !== 'imports');
    assert.equal(wit.includes('export start: func('), world === 'agent');
  });
}

test('the text is the same every time', () => {
  assert.equal(readWit(witFolder, []).text, readWit(witFolder, []).text);
});

test('every interface, type and function is documented', () => {
  const item = /^\s*(interface|world|record|variant|enum|flags|resource|type|export|[%a-z][\w-]*: func)\b/;
  const undocumented: string[] = [];
  for (const file of globSync('**/*.wit', { cwd: witFolder })) {
    const lines = readFileSync(join(witFolder, file), 'utf8').split('\n');
    for (const [index, line] of lines.entries()) {
      const isCase =
        /^\s*[a-z][\w-]*(\(.*\))?,$/.test(line) && !/^\s*(trace|debug|info|warn|error),/.test(line);
      const isDocumented = lines[index - 1]?.trim().startsWith('///') === true;
      if ((item.test(line) || (isCase && insideVariant(lines, index))) && !isDocumented)
        undocumented.push(`${file}:${index + 1} ${line.trim()}`);
    }
  }
  assert.deepEqual(undocumented, []);
});

function insideVariant(lines: readonly string[], index: number): boolean {
  const opening = lines.slice(0, index).findLast((line) => line.endsWith('{')) ?? '';
  return opening.trim().startsWith('variant');
}

test('interfaces of the agent hold plain values only: no resource, stream or future', () => {
  for (const file of globSync('*.wit', { cwd: witFolder })) {
    const code = readFileSync(join(witFolder, file), 'utf8').replace(/\/\/.*$/gm, '');
    assert.doesNotMatch(code, /\b(resource|own|borrow|stream|future)\b/, file);
  }
});

test('every variant of errors and reasons keeps a case for what comes later', () => {
  for (const file of globSync('*.wit', { cwd: witFolder })) {
    const code = readFileSync(join(witFolder, file), 'utf8').replace(/\/\/.*$/gm, '');
    for (const [, name, body] of code.matchAll(/variant ([\w-]+) \{([^}]*)\}/g)) {
      if (name !== 'precondition') assert.match(body ?? '', /\bother\(string\)/, `${file}: ${name}`);
    }
  }
});
