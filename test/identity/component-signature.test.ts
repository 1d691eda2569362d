import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  admitComponent,
  type ComponentSignature,
  encodeSignature,
  parseSignature,
  signComponent,
  verifyComponent,
} from '../../host/identity/component-signature.ts';
import { portableCurves } from '../../host/identity/portable-curves.ts';
import { flipped, nowMs, party } from './parties.ts';

const component = Buffer.from('0061736d0d000100', 'hex');
const publisher = 'publisher:acme';

function signed(): { file: Uint8Array; signature: ComponentSignature; acme: ReturnType<typeof party> } {
  const acme = party('acme');
  const signature = signComponent(component, acme.keyring.host, nowMs(acme.clock));
  return { file: encodeSignature(signature), signature, acme };
}

test('a signature file names the key, the digest and the time, and is verified by itself, by JavaScript too', () => {
  const { file, acme } = signed();
  for (const verify of [undefined, portableCurves.verify]) {
    const found = verifyComponent(component, file, verify);
    assert.ok(found.kind === 'signed');
    assert.equal(found.keyText, acme.keyring.host.text);
    assert.equal(found.digest, 'sha256:24eaf3439a60c96764c4f2c92a0a81b52bd4fe5d5b91f090184a0f6486b1bf29');
    assert.equal(found.signedAtMs, nowMs(acme.clock));
  }
});

test('attack, another component: no bit of it can be another', () => {
  const { file } = signed();
  for (let bit = 0; bit < component.length * 8; bit++) {
    const found = verifyComponent(flipped(component, bit), file);
    assert.equal(found.kind === 'refused' && found.why, 'unauthentic');
  }
});

test('attack, changed signature file: each field by itself, well-formed, breaks it', () => {
  const { signature } = signed();
  const other = signComponent(Buffer.from('other'), party('mallory').keyring.host, 5);
  const changes: Partial<ComponentSignature>[] = [
    { key: other.key },
    { digest: other.digest },
    { signedAtMs: signature.signedAtMs - 1 },
    { signature: other.signature },
  ];
  for (const change of changes) {
    const found = verifyComponent(component, encodeSignature({ ...signature, ...change }));
    assert.equal(found.kind === 'refused' && found.why, 'unauthentic', JSON.stringify(change));
  }
});

test('a file that is not exactly of the form is refused, saying what is not', () => {
  const { signature } = signed();
  const cases: [string, RegExp][] = [
    ['', /not JSON/],
    ['[]', /not JSON/],
    [JSON.stringify({ ...signature, more: 1 }), /not JSON with digest,key/],
    [JSON.stringify({ ...signature, version: 2 }), /version/],
    [JSON.stringify({ ...signature, key: 'ed25519:AAAA' }), /key/],
    [JSON.stringify({ ...signature, key: `ed25519:${'A'.repeat(43)}` }), /key/],
    [JSON.stringify({ ...signature, digest: signature.digest.toUpperCase() }), /digest/],
    [JSON.stringify({ ...signature, signedAtMs: 1.5 }), /signedAtMs/],
    [JSON.stringify({ ...signature, signature: signature.signature.slice(1) }), /signature/],
    [' '.repeat(4097), /4096 bytes/],
  ];
  for (const [text, detail] of cases) {
    const found = parseSignature(Buffer.from(text));
    assert.ok('kind' in found, text);
    assert.match(found.detail, detail);
  }
});

test('a component is admitted by its publisher’s key: the first, the same; another is refused', () => {
  const { file, acme } = signed();
  const host = party('alpha', { clock: acme.clock });
  const admit = (bytes: Uint8Array, sig: Uint8Array) =>
    admitComponent(bytes, sig, host.trusted, publisher, nowMs(acme.clock));
  const first = admit(component, file);
  assert.equal(first.kind === 'signed' && first.isFirst, true);
  const next = Buffer.from('next version');
  const again = admit(next, encodeSignature(signComponent(next, acme.keyring.host, nowMs(acme.clock))));
  assert.equal(again.kind === 'signed' && again.isFirst, false);
  const mallory = party('mallory').keyring.host;
  const forged = admit(next, encodeSignature(signComponent(next, mallory, nowMs(acme.clock))));
  assert.equal(forged.kind === 'refused' && forged.why, 'key-substituted');
});

test('attack, a signature that does not fit pins no key', () => {
  const { signature, acme } = signed();
  const host = party('alpha', { clock: acme.clock });
  const { key } = signComponent(component, party('mallory').keyring.host, 5);
  const file = encodeSignature({ ...signature, key });
  assert.equal(admitComponent(component, file, host.trusted, publisher, nowMs(acme.clock)).kind, 'refused');
  assert.deepEqual(host.trusted.parties, []);
});

test('attack, revoked and untimely: a compromised key admits nothing, a retired one what it signed before', () => {
  const { file, acme } = signed();
  const next = (ms: number): Uint8Array =>
    encodeSignature(signComponent(component, acme.keyring.host, nowMs(acme.clock) + ms));
  for (const reason of ['retired', 'compromised'] as const) {
    const host = party('alpha', { clock: acme.clock });
    const admit = (sig: Uint8Array): string => {
      const found = admitComponent(component, sig, host.trusted, publisher, nowMs(acme.clock));
      return found.kind === 'refused' ? found.why : found.kind;
    };
    assert.equal(admit(next(60_001)), 'future');
    assert.equal(admit(file), 'signed');
    acme.clock.turn(10);
    host.trusted.revokeByHand(acme.keyring.host.publicKey, reason);
    assert.equal(admit(next(0)), 'key-revoked');
    assert.equal(admit(file), reason === 'retired' ? 'signed' : 'key-revoked');
  }
});
