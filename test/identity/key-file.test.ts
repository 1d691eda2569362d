import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import { systemRandom } from '../../host/clock.ts';
import type { HostSecret } from '../../host/identity/host-secret.ts';
import {
  type KeyFileOptions,
  openHostSecret,
  writeHostSecret,
  writePublicKey,
} from '../../host/identity/key-file.ts';
import { isPassphraseSeal, passphraseFrom } from '../../host/identity/passphrase.ts';

/** 1 MiB and milliseconds, for tests. */
const cheap = { n: 2 ** 10, r: 8, p: 1 };

function keyOptions(t: TestContext, changes: Partial<KeyFileOptions> = {}): KeyFileOptions {
  const root = fs.mkdtempSync(join(tmpdir(), 'motehost-keys-'));
  t.after(() => fs.rmSync(root, { recursive: true, force: true }));
  return {
    folder: join(root, 'keys'),
    random: systemRandom,
    passphrase: undefined,
    cost: cheap,
    ...changes,
  };
}

function fileOf(options: KeyFileOptions): string {
  return join(options.folder, 'host.key');
}

function bytesOf(secret: HostSecret): Buffer {
  return Buffer.from(secret.copy());
}

test('the first run makes a key for its owner alone, and every later one has the same', (t) => {
  const options = keyOptions(t);
  const first = openHostSecret(options);
  assert.deepEqual(bytesOf(openHostSecret(options)), bytesOf(first));
  assert.equal(fs.statSync(fileOf(options)).mode & 0o777, 0o600);
  assert.equal(fs.statSync(options.folder).mode & 0o777, 0o700);
  assert.deepEqual(fs.readdirSync(options.folder), ['host.key']);
  const other = openHostSecret(keyOptions(t));
  assert.notDeepEqual(bytesOf(other), bytesOf(first));
});

test('the public key beside it may be read by all and holds nothing else', (t) => {
  const options = keyOptions(t);
  const key = openHostSecret(options).signingKey('host', 1);
  writePublicKey(options.folder, key.text);
  const path = join(options.folder, 'host.pub');
  assert.equal(fs.readFileSync(path, 'utf8'), `${key.text}\n`);
  assert.equal(fs.statSync(path).mode & 0o777, 0o644);
});

test('attack, open file: a key that others can read or write is not used, and the message says the cure', (t) => {
  const options = keyOptions(t);
  openHostSecret(options);
  for (const mode of [0o640, 0o604, 0o620, 0o602, 0o610]) {
    fs.chmodSync(fileOf(options), mode);
    assert.throws(() => openHostSecret(options), {
      code: 'HOST_ERR_IDENTITY_UNSAFE',
      message: new RegExp(`run: chmod 600 ${fileOf(options)}`),
    });
  }
  fs.chmodSync(fileOf(options), 0o400);
  openHostSecret(options);
});

test('attack, open folder: where others can enter, no key is used or made', (t) => {
  const options = keyOptions(t);
  for (const mode of [0o750, 0o701, 0o770]) {
    fs.mkdirSync(options.folder, { recursive: true });
    fs.chmodSync(options.folder, mode);
    assert.throws(() => openHostSecret(options), {
      code: 'HOST_ERR_IDENTITY_UNSAFE',
      message: new RegExp(`run: chmod 700 ${options.folder}`),
    });
    assert.deepEqual(fs.readdirSync(options.folder), []);
  }
});

test('attack, links: a key at the end of a link, with a second name, or in a linked folder is not used', (t) => {
  const options = keyOptions(t);
  const elsewhere = keyOptions(t);
  openHostSecret(elsewhere);
  fs.mkdirSync(options.folder, { mode: 0o700 });
  fs.symlinkSync(fileOf(elsewhere), fileOf(options));
  assert.throws(() => openHostSecret(options), { code: 'HOST_ERR_IDENTITY_UNSAFE', message: /is a link/ });
  fs.rmSync(fileOf(options));
  fs.linkSync(fileOf(elsewhere), fileOf(options));
  assert.throws(() => openHostSecret(options), { code: 'HOST_ERR_IDENTITY_UNSAFE', message: /has 2 names/ });
  fs.rmSync(options.folder, { recursive: true });
  fs.symlinkSync(elsewhere.folder, options.folder);
  assert.throws(() => openHostSecret(options), { code: 'HOST_ERR_IDENTITY_UNSAFE', message: /is a link/ });
});

test('a pipe, a folder or a huge file in the key’s place is told, not waited for', (t) => {
  const options = keyOptions(t);
  fs.mkdirSync(options.folder, { mode: 0o700 });
  assert.equal(spawnSync('mkfifo', ['-m', '600', fileOf(options)]).status, 0);
  assert.throws(() => openHostSecret(options), {
    code: 'HOST_ERR_IDENTITY_UNSAFE',
    message: /is not a file/,
  });
  fs.rmSync(fileOf(options));
  fs.mkdirSync(fileOf(options), { mode: 0o700 });
  assert.throws(() => openHostSecret(options), {
    code: 'HOST_ERR_IDENTITY_UNSAFE',
    message: /is not a file/,
  });
  fs.rmdirSync(fileOf(options));
  fs.writeFileSync(fileOf(options), Buffer.alloc(4097), { mode: 0o600 });
  assert.throws(() => openHostSecret(options), { code: 'HOST_ERR_IDENTITY_CORRUPT', message: /4096 bytes/ });
});

test('attack, another owner: a key of another user is not used', { skip: process.getuid?.() !== 0 }, (t) => {
  const options = keyOptions(t);
  openHostSecret(options);
  fs.chownSync(fileOf(options), 12_345, 12_345);
  assert.throws(() => openHostSecret(options), {
    code: 'HOST_ERR_IDENTITY_UNSAFE',
    message: /belongs to user 12345, not to 0; run: chown 0/,
  });
});

test('a damaged file is told, and never replaced by a new identity', (t) => {
  const options = keyOptions(t);
  openHostSecret(options);
  const whole = fs.readFileSync(fileOf(options));
  for (const content of [
    whole.subarray(0, 20),
    Buffer.alloc(0),
    Buffer.from('{"version":2}'),
    Buffer.from('[]'),
  ]) {
    fs.writeFileSync(fileOf(options), content);
    assert.throws(() => openHostSecret(options), { code: 'HOST_ERR_IDENTITY_CORRUPT' });
    assert.deepEqual(fs.readFileSync(fileOf(options)), content);
  }
});

test('under a passphrase the file holds no secret: it opens with that one, not without, not with another', (t) => {
  const options = keyOptions(t, { passphrase: 'correct horse' });
  const secret = openHostSecret(options);
  const text = fs.readFileSync(fileOf(options), 'utf8');
  assert.ok(!text.includes(bytesOf(secret).toString('base64url')));
  assert.deepEqual(bytesOf(openHostSecret(options)), bytesOf(secret));
  assert.throws(() => openHostSecret({ ...options, passphrase: undefined }), {
    code: 'HOST_ERR_IDENTITY_PASSPHRASE',
    message: /MOTEHOST_KEY_PASSPHRASE/,
  });
  assert.throws(() => openHostSecret({ ...options, passphrase: 'wrong horse' }), {
    code: 'HOST_ERR_IDENTITY_PASSPHRASE',
    message: /does not open with this passphrase/,
  });
});

test('the default cost of a passphrase is scrypt with 2^17, 8, 1', (t) => {
  const { cost: _, ...options } = keyOptions(t, { passphrase: 'correct horse' });
  openHostSecret(options);
  const file = JSON.parse(fs.readFileSync(fileOf(options), 'utf8'));
  assert.deepEqual([file.kdf, file.n, file.r, file.p], ['scrypt', 131_072, 8, 1]);
});

test('attack, a sealed file with another cost, salt or secret opens with no passphrase', (t) => {
  const options = keyOptions(t, { passphrase: 'correct horse' });
  openHostSecret(options);
  const file = JSON.parse(fs.readFileSync(fileOf(options), 'utf8'));
  const changes = [
    { n: 2 ** 11 },
    { salt: 'A'.repeat(22) },
    { nonce: 'A'.repeat(16) },
    { sealed: 'A'.repeat(64) },
  ];
  for (const change of changes) {
    fs.writeFileSync(fileOf(options), JSON.stringify({ ...file, ...change }));
    assert.throws(() => openHostSecret(options), { code: 'HOST_ERR_IDENTITY_PASSPHRASE' });
  }
  // A cost that would take the machine's memory is not tried.
  for (const change of [{ n: 2 ** 21 }, { n: 3000 }, { r: 64 }, { p: 1000 }, { n: -1 }, { n: 2 ** 9 }])
    assert.equal(isPassphraseSeal({ ...file, ...change }), false);
});

test('a passphrase for a file that is not sealed is refused, and one can be put on it, changed and taken off', (t) => {
  const options = keyOptions(t);
  const secret = openHostSecret(options);
  const sealed = { ...options, passphrase: 'correct horse' };
  assert.throws(() => openHostSecret(sealed), {
    code: 'HOST_ERR_IDENTITY_PASSPHRASE',
    message: /is not sealed/,
  });
  for (const next of [sealed, { ...options, passphrase: 'battery staple' }, options]) {
    writeHostSecret(secret, next);
    assert.deepEqual(bytesOf(openHostSecret(next)), bytesOf(secret));
  }
});

test('the passphrase comes from one place: a variable, or the first line of a file only its owner can read', (t) => {
  const { folder } = keyOptions(t);
  fs.mkdirSync(folder, { mode: 0o700 });
  const file = join(folder, 'passphrase');
  fs.writeFileSync(file, 'correct horse\nmore\n', { mode: 0o600 });
  assert.equal(passphraseFrom({}), undefined);
  assert.equal(passphraseFrom({ MOTEHOST_KEY_PASSPHRASE: 'one' }), 'one');
  assert.equal(passphraseFrom({ MOTEHOST_KEY_PASSPHRASE_FILE: file }), 'correct horse');
  const wrong = { code: 'HOST_ERR_IDENTITY_PASSPHRASE' };
  assert.throws(() => passphraseFrom({ MOTEHOST_KEY_PASSPHRASE: '' }), wrong);
  assert.throws(() => passphraseFrom({ MOTEHOST_KEY_PASSPHRASE_FILE: `${file}.not` }), wrong);
  assert.throws(
    () => passphraseFrom({ MOTEHOST_KEY_PASSPHRASE: 'one', MOTEHOST_KEY_PASSPHRASE_FILE: file }),
    wrong,
  );
  fs.chmodSync(file, 0o644);
  assert.throws(() => passphraseFrom({ MOTEHOST_KEY_PASSPHRASE_FILE: file }), {
    code: 'HOST_ERR_IDENTITY_UNSAFE',
  });
});

test('of two first runs at once one makes the key and the other takes it', (t) => {
  const options = keyOptions(t);
  let made: HostSecret | undefined;
  const late = openHostSecret({
    ...options,
    // While this one makes up its secret, another run has written its own.
    random: {
      fill: (bytes) => {
        made ??= openHostSecret(options);
        return systemRandom.fill(bytes);
      },
    },
  });
  assert.deepEqual(bytesOf(late), bytesOf(made ?? late));
  assert.deepEqual(bytesOf(openHostSecret(options)), bytesOf(late));
});

test('a secret does not show when it is printed', (t) => {
  const secret = openHostSecret(keyOptions(t));
  const text = `${inspect(secret, { depth: 9, showHidden: true })}${JSON.stringify(secret)}${String(secret)}`;
  for (const form of ['hex', 'base64url'] as const) assert.ok(!text.includes(bytesOf(secret).toString(form)));
  assert.ok(!text.includes(inspect(secret.copy()).slice(20, 60)));
});
