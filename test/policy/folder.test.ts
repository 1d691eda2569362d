import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { folderBytesMax, readPolicyFolder } from '../../host/policy/folder.ts';
import { faultText } from '../../host/policy/place.ts';
import { Policies, PolicyReader } from '../../host/policy/policies.ts';

const home = mkdtempSync(join(tmpdir(), 'motehost-policies-'));
after(() => rmSync(home, { recursive: true }));

const permit = 'permit (principal, action, resource);';
let count = 0;

/** A new folder with these files. */
function folderOf(files: Readonly<Record<string, string | Uint8Array>>): string {
  count += 1;
  const folder = join(home, `f${count}`);
  mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

function faultsOf(folder: string): string {
  return readPolicyFolder(folder).faults.map(faultText).join('\n');
}

test('a folder is its policies, its entities and its cases; other files are left alone', () => {
  const folder = folderOf({
    'b.cedar': permit,
    'a.cedar': '',
    'entities.toml': '',
    'x.test.toml': '',
    'README.md': 'not ours',
    '.hidden.cedar': 'not ours',
  });
  const { policies, entities, cases, faults } = readPolicyFolder(folder);
  assert.deepEqual(
    [policies.map(({ name }) => name), entities?.name, cases.map(({ name }) => name), faults],
    [['a.cedar', 'b.cedar'], 'entities.toml', ['x.test.toml'], []],
  );
});

test('links within the folder are read, as where a whole folder is put in place by one link', () => {
  const folder = folderOf({});
  mkdirSync(join(folder, '.version-1'));
  writeFileSync(join(folder, '.version-1/a.cedar'), permit);
  symlinkSync('.version-1', join(folder, '.current'));
  symlinkSync('.current/a.cedar', join(folder, 'a.cedar'));
  assert.equal(readPolicyFolder(folder).policies[0]?.text, permit);
});

test('escape: links out of the folder, pipes, folders, loops and lost links are faults, not gaps', () => {
  const outside = join(home, 'outside.cedar');
  writeFileSync(outside, permit);
  const folder = folderOf({});
  symlinkSync(outside, join(folder, 'out.cedar'));
  symlinkSync('/dev/zero', join(folder, 'device.cedar'));
  symlinkSync('loop.cedar', join(folder, 'loop.cedar'));
  symlinkSync('nowhere', join(folder, 'lost.cedar'));
  execFileSync('mkfifo', [join(folder, 'pipe.cedar')]);
  mkdirSync(join(folder, 'more'));
  const text = faultsOf(folder);
  for (const expected of [
    'out.cedar: a link out of the policy folder',
    'device.cedar: a link out of the policy folder',
    'pipe.cedar: not a regular file',
    'more: a folder; policies lie in the policy folder itself',
  ])
    assert.ok(text.includes(expected), `${expected} in:\n${text}`);
  assert.match(text, /loop\.cedar: ELOOP/);
  assert.match(text, /lost\.cedar: ENOENT/);
  assert.equal(readPolicyFolder(folder).policies.length, 0);
});

test('escape: text that is not UTF-8, and files that are too big, one or together', () => {
  assert.match(faultsOf(folderOf({ 'a.cedar': Uint8Array.of(0x70, 0xff, 0xfe) })), /a\.cedar: not UTF-8/);
  const big = `// ${'x'.repeat(1024 * 1024)}`;
  assert.match(faultsOf(folderOf({ 'a.cedar': big })), /a\.cedar: more than 1048576 bytes/);
  const nearly = `// ${'x'.repeat(1024 * 1024 - 100)}`;
  const many = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`${index}.cedar`, nearly]));
  assert.match(
    faultsOf(folderOf(many)),
    new RegExp(`8\\.cedar: .*more than ${folderBytesMax} bytes together`),
  );
});

test('a folder that is not there, or has a bad file, leaves what is in force as it is', () => {
  const folder = folderOf({ 'a.cedar': permit });
  const policies = new Policies(folder);
  assert.equal(policies.load(), 1);
  writeFileSync(join(folder, 'b.cedar'), 'permit (principal, actio');
  assert.throws(() => policies.load(), {
    code: 'HOST_ERR_POLICY_INVALID',
    message: /f\d+: the policies are not taken:\n {2}b\.cedar:1:\d+: /,
  });
  rmSync(folder, { recursive: true });
  assert.throws(() => policies.load(), { code: 'HOST_ERR_POLICY_INVALID', message: /ENOENT/ });
  assert.deepEqual([policies.board.version, [...policies.board.rules.keys()]], [1, ['a.cedar#1']]);
  policies.close();
});

test('entities.toml says groups and labels; what it cannot say is told with its place', () => {
  const read = (text: string): string =>
    new PolicyReader()
      .read(folderOf({ 'entities.toml': text }))
      .faults.map(faultText)
      .join('\n');
  const { set } = new PolicyReader().read(
    folderOf({
      'entities.toml': '[[entity]]\nentity = "agent:shop"\ngroups = ["group:sellers"]\nholds = ["pii"]\n',
    }),
  );
  assert.deepEqual(set?.entities, [
    { kind: 'Agent', id: 'shop', groups: ['sellers'], attributes: { holds: ['pii'] } },
  ]);
  assert.match(read('[[entity]]\nentity = "agnt:shop"'), /'agnt:shop' is no entity, did you mean 'agent'\?/);
  assert.match(
    read('[[entity]]\nentity = "agent:a"\ngroup = ["x"]'),
    /unknown key 'group', did you mean 'groups'/,
  );
  assert.match(read('[[entity]]\nentity = "tool:x"\nname = "y"'), /unknown key 'name'/);
  assert.match(read('[[entity]]\nentity = "agent:a"\ngroups = ["agent:b"]'), /must be groups/);
  assert.match(read('[[entity]\n'), /^entities\.toml:1:\d+: /);
});
