import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as motehost from '../host/index.ts';

// What a program that embeds the host relies on: a name that comes or goes here is a decision.

const names =
  `Channel Future HostError HostSecret Iso Keyring Leases Orchestration Quorum Ref Shards Signals Tag Topology Val
PeerSessions TrustedKeys anchorText auditFields createHost defaultLimits
encodeSignature fileStore handOver histories intersect keyText memoryStore openHostSecret parseAnchor parseEventProof parseKey
queryChain replaying signComponent systemClock systemRandom verifyChain verifyComponent verifyEventProof
verifyMessageFile spread votesNeeded`.split(/\s+/);

test('the library has these names and no others', () => {
  assert.deepEqual(Object.keys(motehost).sort(), names.sort());
});

test('each of them says what it is where it is made', () => {
  const index = readFileSync(join(import.meta.dirname, '../host/index.ts'), 'utf8');
  const missing: string[] = [];
  for (const [, list = '', path = ''] of index.matchAll(/export (?:type )?\{([^}]*)\} from '\.\/([^']+)'/g)) {
    const text = readFileSync(join(import.meta.dirname, '../host', path), 'utf8');
    for (const [, name = ''] of list.matchAll(/(?:type )?(\w+)(?: as \w+)?,?/g)) {
      const made = new RegExp(
        `(\\*/|;)?\\n(@[^\\n]*\\n)*export [a-z* ]*\\b(?:function\\*?|class|interface|type|const) ${name}\\b`,
      );
      const found = made.exec(text);
      // What a file only hands on is looked at where that is.
      if (found !== null && found[1] !== '*/') missing.push(`${path}: ${name}`);
    }
  }
  assert.deepEqual(missing, []);
});

test('an embedder makes keys, signs a component, and is believed by who pinned its key', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'motehost-index-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const { systemClock: clock, systemRandom: random } = motehost;
  const secret = motehost.openHostSecret({ folder, random, passphrase: undefined });
  const keyring = new motehost.Keyring({ secret, store: motehost.memoryStore(), clock, name: 'alpha' });
  const component = new TextEncoder().encode('a component');
  const file = motehost.encodeSignature(motehost.signComponent(component, keyring.host, 1));
  const signed = motehost.verifyComponent(component, file);
  assert.ok(signed.kind === 'signed');
  assert.deepEqual(motehost.parseKey(signed.keyText), Buffer.from(keyring.host.publicKey));
});
