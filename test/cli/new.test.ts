import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { entryOf } from '../../guest-sdk/build/language.ts';
import { languageWords, loadLanguage } from '../../guest-sdk/build/languages.ts';
import { languageNames, readManifest } from '../../host/manifest.ts';
import { host } from '../support/cli.ts';

const home = mkdtempSync(join(tmpdir(), 'motehost-cli-new-'));
const templates = ['handler', 'agent', 'http', 'cli'] as const;
after(() => rmSync(home, { recursive: true }));

for (const [template, world] of [
  ['handler', 'handler'],
  ['async', 'async-handler'],
  ['cli', 'command'],
] as const) {
  test(`the template ${template} builds as it is, and editors understand it`, async () => {
    const name = `new-${template}`;
    const made = await host(['new', name, '--template', template], { cwd: home });
    assert.equal(made.code, 0);
    assert.match(
      made.stdout,
      new RegExp(
        `^${name}/assembly/index\\.ts is your agent, in AssemblyScript; next:\n\n {2}host run ${name} `,
      ),
    );
    const manifest = readManifest(join(home, name));
    assert.deepEqual([manifest.world, manifest.language], [world, 'assemblyscript']);
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

for (const word of ['rust', 'ts', 'c', 'typescript', 'javascript', 'js', 'assemblyscript'])
  test(`--lang ${word} makes a folder whose manifest says so`, async () => {
    const name = `in-${word}`;
    const { code, stderr } = await host(['new', name, '--lang', word], { cwd: home });
    assert.deepEqual([code, stderr], [0, '']);
    const manifest = readManifest(join(home, name));
    assert.deepEqual([manifest.name, manifest.language], [name, languageWords[word]]);
  });

test('every language has the templates of all, and each of them its entry', async () => {
  for (const name of languageNames) {
    const language = await loadLanguage(name);
    assert.deepEqual(
      templates.filter((template) => !language.templates.includes(template)),
      [],
    );
    for (const template of language.templates) {
      const files = language.scaffold('x', template);
      const entry = entryOf(language, template === 'cli' ? 'command' : 'world');
      assert.equal(files.has(entry), true, `${name} ${template} has ${entry}`);
      assert.equal(files.has('agent.toml'), false);
    }
  }
});

test('the template http has the route that host serve answers under, for an agent of any name', async () => {
  assert.equal((await host(['new', 'my-shop', '--template', 'http'], { cwd: home })).code, 0);
  assert.equal(readManifest(join(home, 'my-shop')).route, '/my-shop');
});

test('the template async may ask other agents, and is refused where a language cannot wait for several', async () => {
  assert.deepEqual(readManifest(join(home, 'new-async')).grants.bus.send, ['agent.*']);
  for (const [word, title] of [
    ['ts', 'TypeScript'],
    ['c', 'C'],
  ] as const) {
    const { code, stderr } = await host(['new', `async-${word}`, '-l', word, '-t', 'async'], { cwd: home });
    assert.deepEqual([code, existsSync(join(home, `async-${word}`))], [64, false]);
    assert.equal(stderr, `host: ${title} has no template 'async'; it has: handler, agent, http, cli\n`);
  }
});

test('when it fails half-way, nothing is left behind', async () => {
  // Long enough that the program still fits the longest path the system takes, and what editors need does not.
  const pathMax = 4096;
  let folder = join(home, 'deep');
  while (pathMax - folder.length > 290) folder = join(folder, 'd'.repeat(200));
  folder = join(folder, 'd'.repeat(pathMax - folder.length - 40), 'agent');
  const { code, stderr } = await host(['new', folder], { cwd: home });
  assert.equal(code, 66);
  assert.match(stderr, /^host: cannot write /);
  assert.equal(existsSync(join(home, 'deep')), false);
});

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
    /no template 'hander', did you mean 'handler'\?; the templates are: handler, agent, async, http, cli/,
  ],
  [
    'an unknown language',
    ['x', '--lang', 'rusty'],
    /no language 'rusty', did you mean 'rust'\?; the languages are: as, rust, ts, c/,
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
