import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Curves, platformCurves } from '../../host/identity/curves.ts';
import { portableCurves } from '../../host/identity/portable-curves.ts';
import { isSoundKey, keyText, parseKey } from '../../host/identity/public-key.ts';
import { fc } from '../support/properties.ts';
import { flipped } from './parties.ts';

const both: readonly Curves[] = [platformCurves, portableCurves];
const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex');
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });

// RFC 8032, 7.1: tests 1, 2 and 3.
const signatures = [
  {
    secret: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    key: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    message: '',
    signature:
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  },
  {
    secret: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    key: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    message: '72',
    signature:
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  },
  {
    secret: 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    key: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    message: 'af82',
    signature:
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  },
];

test('Ed25519 gives the results of RFC 8032, on the platform and in JavaScript', () => {
  for (const curves of both)
    for (const vector of signatures) {
      const [secret, key, message] = [hex(vector.secret), hex(vector.key), hex(vector.message)];
      assert.deepEqual(Buffer.from(curves.signingKey(secret)), key);
      assert.deepEqual(Buffer.from(curves.sign(secret, message)), hex(vector.signature));
      assert.equal(curves.verify(key, message, hex(vector.signature)), true);
    }
});

// RFC 7748, 5.2 and 6.1.
const agreements = [
  {
    secret: 'a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4',
    other: 'e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c',
    shared: 'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552',
  },
  {
    secret: '4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d',
    other: 'e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493',
    shared: '95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957',
  },
  {
    secret: '5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb',
    other: '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a',
    shared: '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742',
  },
];

test('X25519 gives the results of RFC 7748, on the platform and in JavaScript', () => {
  for (const curves of both)
    for (const vector of agreements) {
      const shared = curves.agree(hex(vector.secret), hex(vector.other));
      assert.deepEqual(Buffer.from(shared ?? []), hex(vector.shared));
    }
});

test('the two give equal keys, signatures and agreements for any secrets', () => {
  fc.assert(
    fc.property(bytes32, bytes32, fc.uint8Array({ maxLength: 300 }), (secret, other, message) => {
      const [one, two] = both.map((curves) => [
        Buffer.from(curves.signingKey(secret)),
        Buffer.from(curves.sign(secret, message)),
        Buffer.from(curves.agreementKey(secret)),
        Buffer.from(curves.agree(secret, curves.agreementKey(other)) ?? []),
      ]);
      assert.deepEqual(one, two);
    }),
    { numRuns: 40 },
  );
});

test('the two agree on any bytes as a share, those with the top bit set or beyond the prime among them', () => {
  const edges = [0xff, 0xed, 0xee, 0xda].map((low) =>
    Uint8Array.from({ length: 32 }, (_, at) => (at === 0 ? low : at === 31 ? 0x7f : 0xff)),
  );
  const secret = hex(agreements[0]?.secret ?? '');
  const share = fc.oneof(bytes32, fc.constantFrom(...edges));
  fc.assert(
    fc.property(share, (other) => {
      const [one, two] = both.map((curves) => curves.agree(secret, other));
      assert.deepEqual(one && Buffer.from(one), two && Buffer.from(two));
    }),
    { numRuns: 60 },
  );
});

// The x coordinates of order 1, 2, 4 and 8 (RFC 7748, 6.1: the result is all zeros), and two in another form.
const smallShares = [
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
];

test('a share of small order gives no agreement, and one of another length neither', () => {
  const secret = hex(agreements[0]?.secret ?? '');
  for (const curves of both) {
    for (const share of smallShares) assert.equal(curves.agree(secret, hex(share)), undefined, share);
    assert.equal(curves.agree(secret, new Uint8Array(31).fill(9)), undefined);
    assert.equal(curves.agree(secret, new Uint8Array(33).fill(9)), undefined);
  }
});

const order = 2n ** 252n + 27742317777372353535851937790883648493n;

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

/** The signature with the order added to its second half: the same equation, another form. */
function malleated(signature: Uint8Array): Uint8Array {
  let rest = littleEndian(signature.subarray(32)) + order;
  const copy = Uint8Array.from(signature);
  for (let at = 32; at < 64; at++, rest >>= 8n) copy[at] = Number(rest & 0xffn);
  return copy;
}

test('no other form of a signature is one: changed, longer, shorter, with the order added, all zeros', () => {
  const [vector] = signatures;
  const [key, signature] = [hex(vector?.key ?? ''), hex(vector?.signature ?? '')];
  const message = new Uint8Array(0);
  for (const curves of both) {
    for (let bit = 0; bit < 512; bit += 7)
      assert.equal(curves.verify(key, message, flipped(signature, bit)), false, `bit ${bit}`);
    assert.equal(curves.verify(key, message, malleated(signature)), false);
    assert.equal(curves.verify(key, message, signature.subarray(0, 63)), false);
    assert.equal(curves.verify(key, message, Buffer.concat([signature, Buffer.alloc(1)])), false);
    assert.equal(curves.verify(key, message, new Uint8Array(64)), false);
    assert.equal(curves.verify(key, Uint8Array.of(0), signature), false);
    assert.equal(curves.verify(flipped(key, 3), message, signature), false);
  }
});

// The y coordinates of order 1, 2, 4 and 8, with and without the sign bit.
const smallKeys = [
  `01${'00'.repeat(31)}`,
  `ec${'ff'.repeat(30)}7f`,
  '00'.repeat(32),
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
].flatMap((text) => [hex(text), flipped(hex(text), 255)]);

test('a key of small order, for which anybody can sign, is nobody’s; nor is one in another form', () => {
  // With the neutral element as key and as R, and S = 0, the bare equation holds for every message.
  const forged = Buffer.concat([hex(`01${'00'.repeat(31)}`), Buffer.alloc(32)]);
  const beyond = [0xed, 0xee, 0xff].map((low) => hex(`${low.toString(16)}${'ff'.repeat(30)}7f`));
  for (const key of [...smallKeys, ...beyond, new Uint8Array(31), new Uint8Array(33)]) {
    assert.equal(isSoundKey(key), false, Buffer.from(key).toString('hex'));
    for (const curves of both) assert.equal(curves.verify(key, Buffer.from('any'), forged), false);
  }
  for (const { key } of signatures) assert.equal(isSoundKey(hex(key)), true);
});

test('the text of a key is ed25519: and base64url, and no second text means the same key', () => {
  const key = hex(signatures[0]?.key ?? '');
  const text = keyText(key);
  assert.equal(text, 'ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo');
  assert.deepEqual(Buffer.from(parseKey(text) ?? []), Buffer.from(key));
  const others = [
    text.replace('_', '/'),
    `${text}=`,
    `${text.slice(0, -1)}p`,
    text.slice(0, -1),
    `${text}A`,
    text.toUpperCase(),
    `x25519${text.slice(7)}`,
    text.slice(8),
    ` ${text}`,
    keyText(smallKeys[0] ?? key),
  ];
  for (const other of others) assert.equal(parseKey(other), undefined, other);
});
