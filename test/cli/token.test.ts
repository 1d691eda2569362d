import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type CliResult, host } from '../support/cli.ts';

const home = mkdtempSync(join(tmpdir(), 'motehost-cli-token-'));
after(() => rmSync(home, { recursive: true }));
const token = (...args: string[]): Promise<CliResult> => host(['token', ...args], { cwd: home });

test('a token is printed once, listed without it, and revoked', async () => {
  const made = await token(
    'create',
    'shop',
    '--may',
    'invoke:billing',
    '--may',
    'publish:orders.>',
    '--expires',
    '30d',
  );
  assert.match(made.stdout, /^mote_[A-Za-z0-9_-]{43}\n$/);
  assert.match(
    made.stderr,
    /^host: shop may invoke:billing, publish:orders\.> until \d{4}-.*; this is the only time/,
  );
  const folder = join(realpathSync(home), '.motehost');
  assert.ok(
    made.stderr.includes(`its hash is in ${folder}, which was made for it: no host has it yet.`),
    made.stderr,
  );
  const second = await token('create', 'till', '--may', 'read');
  assert.ok(
    second.stderr.endsWith(`its hash is in ${folder}, and counts for the host that has this folder\n`),
  );
  assert.equal((await token('revoke', 'till')).stderr, `host: till is revoked in ${folder}\n`);
  const until = Date.parse(/until (\S+);/.exec(made.stderr)?.[1] ?? '');
  assert.equal(Math.round((until - Date.now()) / 86_400_000), 30);
  const file = join(home, '.motehost/tokens.json');
  assert.ok(!readFileSync(file, 'utf8').includes(made.stdout.trim()));
  assert.equal(statSync(file).mode & 0o777, 0o600);

  const listed = await token('list');
  assert.match(
    listed.stdout,
    /^NAME +MAY +CREATED +EXPIRES\nshop +invoke:billing, publish:orders\.> +\d{4}-/,
  );
  assert.equal(JSON.parse((await token('list', '--json')).stdout).name, 'shop');

  assert.equal((await token('revoke', 'shop')).stderr, `host: shop is revoked in ${folder}\n`);
  assert.match((await token('list')).stderr, /^host: no tokens in /);
});

test('what makes no token says what would', async () => {
  for (const [words, code, expected] of [
    [[], 64, /create, list or revoke\?/],
    [['create'], 64, /needs the token's name/],
    [['create', 'x'], 64, /what may it do\? host token create x --may invoke/],
    [['create', 'x', '--may', 'invok'], 64, /'invok' is no capability of a token: .*did you mean 'invoke'/],
    [['create', 'x', '--may', 'read', '--expires', 'soon'], 64, /--expires: 'soon' is not a time/],
    [['revoke', 'nobody'], 66, /there is no token 'nobody' in \/.*\.motehost; host token list shows them/],
  ] as const) {
    const { code: got, stderr } = await token(...words);
    assert.match(stderr, expected);
    assert.equal(got, code, words.join(' '));
  }
});
