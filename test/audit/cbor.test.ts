import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CborError, type CborValue, decodeCbor, encodeCbor } from '../../host/audit/cbor.ts';
import { fc } from '../support/properties.ts';
import { readSimply } from './simple-cbor.ts';

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** RFC 8949 appendix A, as far as it is deterministic and without what the chain has no use for. */
const vectors: readonly (readonly [CborValue, string])[] = [
  [0, '00'],
  [1, '01'],
  [10, '0a'],
  [23, '17'],
  [24, '1818'],
  [25, '1819'],
  [100, '1864'],
  [1000, '1903e8'],
  [1_000_000, '1a000f4240'],
  [1_000_000_000_000, '1b000000e8d4a51000'],
  [18446744073709551615n, '1bffffffffffffffff'],
  [18446744073709551616n, 'c249010000000000000000'],
  [-18446744073709551616n, '3bffffffffffffffff'],
  [-18446744073709551617n, 'c349010000000000000000'],
  [-1, '20'],
  [-10, '29'],
  [-100, '3863'],
  [-1000, '3903e7'],
  [{ float: 0 }, 'f90000'],
  [{ float: -0 }, 'f98000'],
  [{ float: 1 }, 'f93c00'],
  [1.1, 'fb3ff199999999999a'],
  [1.5, 'f93e00'],
  [{ float: 65504 }, 'f97bff'],
  [{ float: 100000 }, 'fa47c35000'],
  [{ float: 3.4028234663852886e38 }, 'fa7f7fffff'],
  [{ float: 1e300 }, 'fb7e37e43c8800759c'],
  [2 ** -24, 'f90001'],
  [0.00006103515625, 'f90400'],
  [{ float: -4 }, 'f9c400'],
  [-4.1, 'fbc010666666666666'],
  [Number.POSITIVE_INFINITY, 'f97c00'],
  [Number.NaN, 'f97e00'],
  [Number.NEGATIVE_INFINITY, 'f9fc00'],
  [false, 'f4'],
  [true, 'f5'],
  [null, 'f6'],
  [undefined, 'f7'],
  [{ tag: 0, value: '2013-03-21T20:04:00Z' }, 'c074323031332d30332d32315432303a30343a30305a'],
  [{ tag: 1, value: 1363896240 }, 'c11a514b67b0'],
  [{ tag: 1, value: 1363896240.5 }, 'c1fb41d452d9ec200000'],
  [{ tag: 23, value: Buffer.from('01020304', 'hex') }, 'd74401020304'],
  [{ tag: 24, value: Buffer.from('6449455446', 'hex') }, 'd818456449455446'],
  [{ tag: 32, value: 'http://www.example.com' }, 'd82076687474703a2f2f7777772e6578616d706c652e636f6d'],
  [new Uint8Array(), '40'],
  [Buffer.from('01020304', 'hex'), '4401020304'],
  ['', '60'],
  ['a', '6161'],
  ['IETF', '6449455446'],
  ['"\\', '62225c'],
  ['\u00fc', '62c3bc'],
  ['\u6c34', '63e6b0b4'],
  ['\ud800\udd51', '64f0908591'],
  [[], '80'],
  [[1, 2, 3], '83010203'],
  [[1, [2, 3], [4, 5]], '8301820203820405'],
  [
    Array.from({ length: 25 }, (_, index) => index + 1),
    '98190102030405060708090a0b0c0d0e0f101112131415161718181819',
  ],
  [new Map(), 'a0'],
  [
    new Map([
      [1, 2],
      [3, 4],
    ]),
    'a201020304',
  ],
  [
    new Map<string, CborValue>([
      ['a', 1],
      ['b', [2, 3]],
    ]),
    'a26161016162820203',
  ],
  [['a', new Map([['b', 'c']])], '826161a161626163'],
  [
    new Map(['a', 'b', 'c', 'd', 'e'].map((key) => [key, key.toUpperCase()])),
    'a56161614161626142616361436164614461656145',
  ],
];

test('RFC 8949 appendix A: every value is written and read as there', () => {
  for (const [value, bytes] of vectors) {
    assert.equal(hex(encodeCbor(value)), bytes);
    assert.equal(hex(encodeCbor(decodeCbor(Buffer.from(bytes, 'hex')))), bytes);
  }
});

test('what is not in the one deterministic form is refused', () => {
  const forms = {
    'a number in more bytes than needed': '1817',
    'two bytes for one': '190018',
    'eight bytes for four': '1b00000000ffffffff',
    'a length in more bytes than needed': '580101',
    'a text in more bytes than needed': '780161',
    'a float in more bytes than needed': 'fb3ff0000000000000',
    'another kind of NaN': 'f97e01',
    'a big number that fits': 'c24101',
    'indefinite bytes': '5f42010243030405ff',
    'an indefinite list': '9fff',
    'keys out of order': 'a202020101',
    'a key twice': 'a201010102',
    'a break': 'ff',
    'too short': '83010',
    'left over': '0101',
    'no UTF-8': '61ff',
    'a length beyond the end': '5b7fffffffffffffff',
    'too deep': '81'.repeat(40),
  };
  for (const [what, bytes] of Object.entries(forms))
    assert.throws(() => decodeCbor(Buffer.from(bytes, 'hex')), CborError, what);
});

const value: fc.Arbitrary<CborValue> = fc.letrec<{ value: CborValue; list: CborValue[] }>((tie) => ({
  list: fc.array(tie('value'), { maxLength: 5 }),
  value: fc.oneof(
    { maxDepth: 4 },
    fc.integer(),
    fc.maxSafeInteger(),
    fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }).map((n) => (isSafe(n) ? Number(n) : n)),
    fc.double().map((n) => (Number.isInteger(n) ? { float: n } : n)),
    fc.string({ unit: 'grapheme', maxLength: 80 }),
    fc.uint8Array({ maxLength: 300 }),
    fc.boolean(),
    fc.constant(null),
    tie('list'),
  ),
})).value;

function isSafe(n: bigint): boolean {
  return n <= Number.MAX_SAFE_INTEGER && n >= -Number.MAX_SAFE_INTEGER;
}

test('another decoder, written from the RFC alone, reads the same', () => {
  fc.assert(
    fc.property(value, (given) => {
      const bytes = encodeCbor(given);
      const { value: read, end } = readSimply(bytes, 0);
      assert.equal(end, bytes.length);
      assert.deepEqual(read, plain(given));
      assert.deepEqual(encodeCbor(decodeCbor(bytes)), bytes);
    }),
    { numRuns: 2_000 },
  );
});

/** As the simple decoder tells it. */
function plain(given: CborValue): unknown {
  if (given instanceof Uint8Array) return Buffer.from(given).toString('hex');
  if (Array.isArray(given)) return given.map(plain);
  if (typeof given === 'object' && given !== null && 'float' in given) return given.float;
  return typeof given === 'number' && Number.isInteger(given) ? BigInt(given) : given;
}

test('no bytes break the decoder: it reads them or says what is wrong', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      try {
        const read = decodeCbor(bytes);
        assert.equal(hex(encodeCbor(read)), hex(bytes));
      } catch (error) {
        assert.ok(error instanceof CborError, String(error));
      }
    }),
    { numRuns: 20_000 },
  );
});
