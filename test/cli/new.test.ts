import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { readManifest } from '../../host/manifest.ts';
import { host } from '../support/cli.ts';

const home = mkdtempSync(join(tmpdir(), 'motehost-cli-new-'));
after(() => rmSync(home, { recursive: true }));

for (const template of ['handler', 'command'] as const) {
  test(`the template ${template} builds as it is, and editors understand it`, async () => {
    const name = `new-${template}`;
    const made = await host(['new', name, '--template', template], { cwd: home });
    assert.equal(made.code, 0);
    assert.match(
      made.stdout,
      new RegExp(`^${name}/assembly/index\\.ts is your agent; next: host run ${name} `),
    );
    assert.equal(readManifest(join(home, name)).world, template);
    assert.deepEqual(readdirSync(join(home, name)).sort(), [
      '.gitignore',
      'README.md',
      'agent.toml',
      'assembly',
      'build',
      'tsconfig.json',
    ]);
    const checked = typecheck(join(home, name));
    assert.deepEqual([checked.status, checked.stdout], [0, '']);
    const built = await host(['build', name], { cwd: home });
    assert.deepEqual([built.code, built.stderr], [0, '']);
  });
}

function typecheck(folder: string): ReturnType<typeof spawnSync> {
  const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
  return spawnSync(process.execPath, [join(typescript, 'bin/tsc'), '-p', folder], { encoding: 'utf8' });
}

test('a folder that holds something is left alone', async () => {
  mkdirSync(join(home, 'taken'));
  writeFileSync(join(home, 'taken/mine.txt'), 'mine');
  const { code, stderr } = await host(['new', 'taken'], { cwd: home });
  assert.equal(code, 64);
  assert.equal(stderr, 'host: taken exists and is not an empty folder; nothing was changed\n');
  assert.equal(readFileSync(join(home, 'taken/mine.txt'), 'utf8'), 'mine');
  assert.deepEqual(readdirSync(join(home, 'taken')), ['mine.txt']);
});

test('an empty folder is filled', async () => {
  mkdirSync(join(home, 'empty'));
  assert.equal((await host(['new', 'empty'], { cwd: home })).code, 0);
});

const mistakes: readonly (readonly [title: string, args: readonly string[], expected: RegExp])[] = [
  ['no name', [], /give the new agent one name: host new NAME/],
  ['two names', ['a', 'b'], /give the new agent one name/],
  ['a name with capitals', ['My_Agent'], /'My_Agent' cannot be an agent's name: lower-case letters/],
  [
    'an unknown template',
    ['x', '--template', 'hander'],
    /no template 'hander', did you mean 'handler'\?; .*handler, command/,
  ],
  ['an unknown flag', ['x', '--tempate', 'handler'], /unknown option --tempate, did you mean '--template'\?/],
];

for (const [title, args, expected] of mistakes)
  test(`${title} is refused in one line`, async () => {
    const { code, stdout, stderr } = await host(['new', ...args], { cwd: home });
    assert.equal(code, 64);
    assert.equal(stdout, '');
    assert.match(stderr, expected);
    assert.equal(stderr.split('\n').length, 2);
  });
