import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../host/clock.ts';
import { type Delivered, SupplyChain } from '../../host/host/trust/supply-chain.ts';
import { digestOf, encodeSignature, signComponent } from '../../host/identity/component-signature.ts';
import { HostSecret } from '../../host/identity/host-secret.ts';
import { memoryStore } from '../../host/identity/signed-text.ts';
import type { SigningKey } from '../../host/identity/signing-key.ts';
import { TrustedKeys } from '../../host/identity/trusted-keys.ts';
import { parseManifest } from '../../host/manifest.ts';

const untrusted = { code: 'HOST_ERR_IDENTITY_UNTRUSTED' };
const one = new TextEncoder().encode('component one');
const two = new TextEncoder().encode('component two');
const nowMs = (): number => Number(systemClock.wallNs() / 1_000_000n);
const path = 'billing/agent.toml';

function key(fill: number): SigningKey {
  return new HostSecret(new Uint8Array(32).fill(fill)).signingKey('host', 1);
}

const [acme, mallory] = [key(1), key(2)];

function signed(component: Uint8Array, by: SigningKey, atMs = nowMs()): Delivered {
  return { component, signature: encodeSignature(signComponent(component, by, atMs)) };
}

function manifest(more = '', name = 'billing'): ReturnType<typeof parseManifest> {
  return parseManifest(`name = "${name}"\nworld = "handler"\n${more}`, path);
}

class Host {
  readonly said: string[] = [];
  readonly trusted = new TrustedKeys({
    store: memoryStore(),
    clock: systemClock,
    signer: key(9),
    pinsFirst: true,
  });
  readonly chain: SupplyChain;

  constructor(requireSigned = true) {
    const say = (_level: string, text: string, agent: string): void =>
      void this.said.push(`${agent}: ${text}`);
    this.chain = new SupplyChain({ trusted: this.trusted, requireSigned, nowMs, say });
  }

  admit(delivered: Delivered, accepts = false, of = manifest()): ReturnType<SupplyChain['admit']> {
    return this.chain.admit(of, path, delivered, accepts);
  }
}

test('signed: the first signer of an agent is pinned, and its next version is admitted without a word', () => {
  const host = new Host();
  assert.deepEqual(host.admit(signed(one, acme)), { signedBy: acme.text, newSigner: undefined });
  assert.deepEqual(host.said, [`billing: its component is signed by ${acme.text}, the first to do so`]);
  assert.deepEqual(host.admit(signed(two, acme)), { signedBy: acme.text, newSigner: undefined });
  assert.equal(host.said.length, 1);
});

test('unsigned: refused where signatures are required, with the cure; else logged', () => {
  const delivered = { component: one, signature: undefined };
  assert.throws(() => new Host().admit(delivered), { ...untrusted, message: /host sign FILE\.wasm/ });
  const host = new Host(false);
  assert.deepEqual(host.admit(delivered), { signedBy: undefined, newSigner: undefined });
  assert.deepEqual(host.said, ['billing: its component is not signed']);
});

test('signed by another: to be asked about, refused to who cannot ask, pinned once accepted', () => {
  const host = new Host();
  host.admit(signed(one, acme));
  const admission = host.admit(signed(two, mallory));
  assert.deepEqual(admission, { signedBy: mallory.text, newSigner: `${acme.text} → ${mallory.text}` });
  assert.throws(() => SupplyChain.requireSameSigner(admission, 'billing', path), {
    ...untrusted,
    message: /host keys forget component\/billing/,
  });
  assert.equal(host.trusted.pin('component/billing')?.key, acme.text);
  host.admit(signed(two, mallory), true);
  assert.equal(host.admit(signed(two, mallory)).newSigner, undefined);
});

test('unsigned after signed: to be asked about too', () => {
  const host = new Host(false);
  host.admit(signed(one, acme));
  assert.equal(host.admit({ component: two, signature: undefined }).newSigner, `${acme.text} → nobody`);
});

test('signed by a revoked key: refused, whatever is accepted', () => {
  const host = new Host();
  host.admit(signed(one, acme));
  host.trusted.revokeByHand(acme.publicKey, 'compromised');
  for (const accepts of [false, true])
    assert.throws(() => host.admit(signed(two, acme), accepts), { ...untrusted, message: /revoked/ });
});

test('publishers trusted by hand: theirs is admitted, that of others and of nobody is not', () => {
  const host = new Host();
  host.trusted.pinByHand('publisher/acme', acme.publicKey);
  assert.equal(host.admit(signed(one, acme)).signedBy, acme.text);
  assert.throws(() => host.admit(signed(one, mallory), false, manifest('', 'other')), {
    ...untrusted,
    message: /takes only those of publisher\/acme/,
  });
  assert.throws(() => host.admit({ component: one, signature: undefined }), untrusted);
});

for (const requireSigned of [true, false]) {
  const where = requireSigned ? 'where signatures are required' : 'where they are not';

  test(`attack, a changed component with its old signature, ${where}: refused`, () => {
    const host = new Host(requireSigned);
    const { signature } = signed(one, acme);
    const changed = Uint8Array.from(one);
    changed[0] = 0;
    assert.throws(() => host.admit({ component: changed, signature }), {
      ...untrusted,
      message: /unauthentic/,
    });
  });

  test(`attack, the signature of another component, ${where}: refused`, () => {
    const host = new Host(requireSigned);
    host.admit(signed(one, acme));
    const { signature } = signed(one, acme);
    assert.throws(() => host.admit({ component: two, signature }), untrusted);
  });
}

test('attack, a signature from the future: refused', () => {
  assert.throws(() => new Host().admit(signed(one, acme, nowMs() + 120_000)), {
    ...untrusted,
    message: /future/,
  });
});

test('attack, swapped components: each is signed, and a manifest that pins its digest takes only its own', () => {
  const host = new Host();
  const pinned = manifest(`digest = "${digestOf(one)}"\n`);
  assert.equal(host.admit(signed(one, acme), false, pinned).signedBy, acme.text);
  assert.throws(() => host.admit(signed(two, acme), true, pinned), { ...untrusted, message: /digest = / });
});
