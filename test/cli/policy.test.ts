import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { type CliResult, host } from '../support/cli.ts';
import { HostProcess } from '../support/process.ts';

const home = mkdtempSync(join(tmpdir(), 'motehost-cli-policy-'));
after(() => rmSync(home, { recursive: true }));
const starter = resolve(import.meta.dirname, '../../examples/policies');
const policy = (...args: string[]): Promise<CliResult> => host(['policy', ...args], { cwd: home });

function folderOf(name: string, files: Readonly<Record<string, string>>): string {
  mkdirSync(join(home, name));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(home, name, file), text);
  return name;
}

const explainStarter = (...words: string[]): Promise<CliResult> => policy('explain', starter, ...words);

test('the starter policies are valid and decide their cases', async () => {
  const checked = await policy('check', starter);
  assert.match(checked.stdout, /: \d+ policies in 4 files: \d+ permits, \d+ forbids\n$/);
  assert.equal(checked.code, 0);
  const tested = await policy('test', starter);
  assert.match(tested.stdout, /^\d+ cases, 0 not as expected\n$/);
  assert.equal(tested.code, 0);
});

test('check tells every fault with its place and the cure', async () => {
  const folder = folderOf('wrong', {
    'a.cedar': 'permit (principal, action, resource)\n  when { context.lables.contains("x") };\n',
    'b.cedar': '@decison("step-up") permit (principal, action, resource);',
  });
  const { code, stdout, stderr } = await policy('check', folder);
  assert.equal(stdout, '');
  assert.match(
    stderr,
    /^host: wrong: the policies are not taken:\n {2}a\.cedar:2:10: .*did you mean `labels`\?\n {2}b\.cedar:1:1: unknown annotation @decison, did you mean 'decision'\?/,
  );
  assert.equal(code, 65);
  const json = await policy('check', folder, '--json');
  const { valid, faults } = JSON.parse(json.stdout);
  assert.deepEqual([json.code, valid, faults.length, faults[0].line], [65, false, 2, 2]);
});

test('explain says what decided', async () => {
  const card = ['--context', '{"bytes": 10, "labels": ["card"]}'];
  const publish = ['-p', 'agent:shop', '-a', 'bus.publish', '-r', 'subject:orders.eu.created'];
  const allowed = await explainStarter(...publish);
  assert.match(
    allowed.stdout,
    /^decision {2}conditions\n.*\nbound to {2}max-bytes 65536\nbound to {2}rate 1000\/s\n/,
  );
  assert.match(allowed.stdout, /\nby {8}access\.cedar#orders \(permit, access\.cedar:\d+\)\n$/);
  assert.equal(allowed.code, 0);
  const denied = await explainStarter(...publish, ...card);
  assert.match(
    denied.stdout,
    /^decision {2}deny\nbecause {3}labelled data is sent to one receiver, not published\n/,
  );
  assert.equal(denied.code, 77);
});

test('explain says what was nearest to a permit, and what it wanted for', async () => {
  const words = ['-p', 'agent:billing', '-a', 'http.request', '-r', 'host:api.payments.example:443'];
  const { code, stdout } = await explainStarter(
    ...words,
    '-c',
    '{"method": "GET", "path": "/", "scheme": "https"}',
  );
  assert.equal(code, 77);
  assert.match(stdout, /The nearest permit is access\.cedar#payments \(access\.cedar:\d+\), which asks for:/);
  assert.match(stdout, / {2}met {6}principal == Motehost::Agent::"billing"\n/);
  assert.match(stdout, / {2}missing {2}context\.method == "POST"\n {2}met {6}context\.scheme == "https"\n/);
  const json = await explainStarter(
    ...words,
    '--json',
    '-c',
    '{"method": "GET", "path": "/", "scheme": "https"}',
  );
  const { kind, nearest } = JSON.parse(json.stdout);
  assert.equal(kind, 'deny');
  const missing = nearest.requirements.filter((one: { isMet: boolean }) => !one.isMet);
  assert.deepEqual(missing, [{ text: 'context.method == "POST"', isMet: false }]);
});

test('explain at another time decides as of then', async () => {
  const words = ['-p', 'agent:mover', '-a', 'file.read', '-r', 'data:file:/srv/old-store/a.csv', '--at'];
  assert.equal((await explainStarter(...words, '2027-01-30')).code, 0);
  const over = await explainStarter(...words, '2027-02-01');
  assert.match(over.stdout, /access\.cedar#move permitted it until 2027-01-31/);
  assert.equal(over.code, 77);
});

test('test tells which cases came out otherwise', async () => {
  const folder = folderOf('cases', {
    'a.cedar': '@id("all") permit (principal, action == Motehost::Action::"invoke", resource);',
    'a.test.toml': `[[case]]
name = "is allowed"
principal = "agent:a"
action = "invoke"
resource = "agent:b"
expect = "allow"
policies = ["a.cedar#all"]

[[case]]
name = "should be denied"
principal = "agent:a"
action = "invoke"
resource = "agent:admin"
expect = "deny"
`,
  });
  const { code, stdout } = await policy('test', folder);
  assert.equal(code, 1);
  assert.equal(
    stdout,
    'a.test.toml: should be denied\n    expected deny, got allow: permitted by a.cedar#all\n    by a.cedar#all\n2 cases, 1 not as expected\n',
  );
  const json = await policy('test', folder, '--json');
  assert.deepEqual(
    json.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).ok),
    [true, false],
  );
});

test('cases that cannot be read are told with their place', async () => {
  const base = 'principal = "agent:a"\naction = "invoke"\nresource = "agent:b"\n';
  const one = async (name: string, text: string): Promise<string> => {
    const { code, stderr } = await policy('test', folderOf(name, { 'x.test.toml': text }));
    assert.equal(code, 65, stderr);
    return stderr;
  };
  assert.match(await one('c1', '[[case]\n'), /x\.test\.toml:1:\d+: /);
  assert.match(
    await one('c2', `[[case]]\n${base}expect = "yes"\n`),
    /x\.test\.toml: case\[1\]\.expect must be one of/,
  );
  assert.match(
    await one('c3', `[[case]]\n${base.replace('invoke', 'invok')}expect = "deny"\n`),
    /no action 'invok', did you mean 'invoke'\?/,
  );
  assert.match(await one('c4', `[[case]]\n${base}expect = "deny"\ncontext = { now = 3 }\n`), /has no 'now'/);
  assert.match(
    (await policy('test', folderOf('c5', {}))).stderr,
    /c5 has no cases; write some into NAME\.test\.toml/,
  );
});

test('watch checks again when something changed', async () => {
  folderOf('watched', { 'a.cedar': 'permit (principal, action, resource);' });
  await using process = new HostProcess(['policy', 'watch', 'watched'], home);
  await process.stdout.until(/watched: 1 policy in 1 file: 1 permit, 0 forbids\n/);
  writeFileSync(join(home, 'watched/a.cedar'), 'permit (principal, action resource);');
  await process.stdout.until(/watched: not taken:\n {2}a\.cedar:1:27: /);
  writeFileSync(join(home, 'watched/a.cedar'), '');
  await process.stdout.until(/watched: 0 policies in 1 file: everything is denied\n/);
  assert.equal(await process.end('SIGINT'), 130);
});

test('what is no command says what would be', async () => {
  for (const [words, code, expected] of [
    [[], 64, /check, explain, test, watch or schema\?/],
    [['chek'], 64, /check, explain, test, watch or schema\?/],
    [['constructor', starter], 64, /check, explain, test, watch or schema\?/],
    [['check', 'nowhere'], 66, /no such folder: nowhere/],
    [['check', starter, 'more'], 64, /what is 'more' for\?/],
    [['explain', starter], 64, /host policy explain needs --action/],
    [
      ['explain', starter, '-a', 'bus.sned'],
      65,
      /--action: no action 'bus\.sned', did you mean 'bus\.send'\?/,
    ],
    [['explain', starter, '-a', 'invoke', '-p', 'shop'], 65, /--principal: 'shop' is no entity/],
    [
      ['explain', starter, '-a', 'invoke', '-p', 'agent:a', '-r', 'agent:b', '-c', '[]'],
      64,
      /--context: not an object/,
    ],
    [
      ['explain', starter, '-a', 'invoke', '-p', 'agent:a', '-r', 'agent:b', '--at', 'soon'],
      64,
      /'soon' is no time/,
    ],
  ] as const) {
    const result = await policy(...words);
    assert.match(result.stderr, expected);
    assert.equal(result.code, code, words.join(' '));
  }
  assert.match((await policy('schema')).stdout, /namespace Motehost \{/);
});
