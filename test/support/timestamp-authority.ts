import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

const config = `
[tsa]
default_tsa = t
[t]
serial = ./serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1, millisecs:500, microsecs:100
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
[ca]
basicConstraints = critical, CA:true
[leaf]
extendedKeyUsage = critical, timeStamping
[plain]
extendedKeyUsage = clientAuth
`;

export interface Authority {
  readonly ca: string;
  readonly leaf: string;
  answer(request: Uint8Array): Uint8Array;
}

function openssl(folder: string, ...args: string[]): void {
  const { status, stderr } = spawnSync('openssl', args, { cwd: folder });
  assert.equal(status, 0, String(stderr));
}

/** A timestamp authority made with openssl; undefined on a person's machine that has none. */
export function authority(t: TestContext, use = 'leaf'): Authority | undefined {
  if (process.env.CI !== 'true' && spawnSync('openssl', ['version']).status !== 0) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'authority-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'tsa.cnf'), config);
  writeFileSync(join(folder, 'serial'), '01\n');
  const key = ['-newkey', 'rsa:2048', '-nodes', '-config', 'req.cnf'];
  writeFileSync(join(folder, 'req.cnf'), `[req]\ndistinguished_name = dn\n[dn]\n${config}`);
  openssl(
    folder,
    'req',
    '-x509',
    ...key,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-subj',
    '/CN=Root',
    '-days',
    '30',
    '-extensions',
    'ca',
  );
  openssl(folder, 'req', ...key, '-keyout', 'leaf.key', '-out', 'leaf.csr', '-subj', '/CN=Stamps');
  const issue = [
    '-CA',
    'ca.pem',
    '-CAkey',
    'ca.key',
    '-CAcreateserial',
    '-days',
    '30',
    '-extfile',
    'tsa.cnf',
  ];
  openssl(folder, 'x509', '-req', '-in', 'leaf.csr', ...issue, '-extensions', use, '-out', 'leaf.pem');
  return {
    ca: readFileSync(join(folder, 'ca.pem'), 'utf8'),
    leaf: readFileSync(join(folder, 'leaf.pem'), 'utf8'),
    answer: (request) => {
      writeFileSync(join(folder, 'request.tsq'), request);
      const sign = ['-signer', 'leaf.pem', '-inkey', 'leaf.key', '-out', 'reply.tsr'];
      openssl(folder, 'ts', '-reply', '-config', 'tsa.cnf', '-queryfile', 'request.tsq', ...sign);
      openssl(folder, 'ts', '-verify', '-queryfile', 'request.tsq', '-in', 'reply.tsr', '-CAfile', 'ca.pem');
      return readFileSync(join(folder, 'reply.tsr'));
    },
  };
}
