import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import { Secrets } from '../../host/capability/secrets.ts';
import { HostError } from '../../host/errors.ts';

const sample = 'sk_live_51Hx';
const wanting = 'agents/billing/agent.toml: environment.KEY';

function written(t: TestContext, text: string, mode = 0o600): string {
  const folder = mkdtempSync(join(tmpdir(), 'secrets-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'secrets.toml');
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

test('a secret comes from the file, else from the environment', async (t) => {
  const file = written(t, `stripe-key = "${sample}"\n"mail.password" = 'p"w'\n`);
  const env = { HOST_SECRET_STRIPE_KEY: 'other', HOST_SECRET_DB_URL: 'postgres:' };
  const secrets = await Secrets.open({ file, env });
  assert.equal(secrets.value('stripe-key', wanting), sample);
  assert.equal(secrets.value('mail.password', wanting), 'p"w');
  assert.equal(secrets.value('db.url', wanting), 'postgres:');
  assert.equal(secrets.has('db-url'), true);
  assert.equal(secrets.has('__proto__'), false);
});

test('an unknown handle is refused: who asked, where it was looked for, what to do', async (t) => {
  const file = written(t, `stripe-key = "${sample}"\n`);
  const named = await Secrets.open({ file, env: {} });
  assert.throws(() => named.value('stripe-kay', wanting), {
    code: 'HOST_ERR_SECRET_UNKNOWN',
    message: `${wanting}: no secret 'stripe-kay' in ${file} and HOST_SECRET_STRIPE_KAY, did you mean 'stripe-key'?; add stripe-kay = "…" to ${file}`,
  });
  const none = await Secrets.open({ file: undefined, env: {} });
  assert.throws(() => none.value('stripe-key', wanting), {
    code: 'HOST_ERR_SECRET_UNKNOWN',
    message: /in HOST_SECRET_STRIPE_KEY; set HOST_SECRET_STRIPE_KEY, or start with --secrets FILE/,
  });
});

test('a file that others can read or write is refused', async (t) => {
  for (const mode of [0o640, 0o604, 0o620, 0o644]) {
    const file = written(t, '', mode);
    await assert.rejects(Secrets.open({ file, env: {} }), {
      code: 'HOST_ERR_CONFIG_INVALID',
      message: `${file} can be read or written by others; chmod 600 ${file}`,
    });
  }
  await assert.rejects(Secrets.open({ file: '/nowhere/secrets.toml', env: {} }), {
    code: 'HOST_ERR_FILE_NOT_FOUND',
  });
  await assert.rejects(Secrets.open({ file: tmpdir(), env: {} }), { code: 'HOST_ERR_CONFIG_INVALID' });
});

test('no error and no way of printing shows a value', async (t) => {
  const wrong = [
    `stripe-key = ${sample}`,
    `stripe-key = "${sample}`,
    `stripe-key = ["${sample}"]`,
    `${sample} ${sample}`,
    `stripe-key = { a = "${sample}" }`,
    `stripe-key = "${sample}"\nstripe-key = "${sample}"`,
    `"${sample} with spaces" = "a"`,
  ];
  for (const text of wrong) {
    const error = await Secrets.open({ file: written(t, text), env: {} }).then(
      () => assert.fail(text),
      (cause: unknown) => cause,
    );
    assert.ok(error instanceof HostError);
    assert.equal(error.code, 'HOST_ERR_CONFIG_INVALID', text);
    assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes(sample), text);
  }
  const file = written(t, `stripe-key = "${sample}"\n`);
  const secrets = await Secrets.open({ file, env: { HOST_SECRET_A: sample } });
  const shown = [inspect(secrets, { depth: 9, showHidden: true }), JSON.stringify(secrets), `${secrets}`];
  assert.ok(!shown.join('').includes(sample));
});
