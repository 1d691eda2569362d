import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TypeDef, TypeRef } from '../../../host/engine/component/types.ts';
import { encodeValue, parseCall, parseValue, printValue } from '../../../host/engine/component/wave.ts';
import { TextTooLong } from '../../../host/engine/component/wave-text.ts';
import { componentTypeSection, worldOfComponentType } from '../../../host/engine/component/world.ts';
import { HostError } from '../../../host/errors.ts';
import { embedWorld } from '../../support/component-tools.ts';
import { fc } from '../../support/properties.ts';
import { witType, witValue, writeWit } from '../../support/wit-values.ts';

const types: readonly TypeDef[] = [
  {
    kind: 'record',
    fields: [
      { name: 'must-have', type: 'u8' },
      { name: 'optional', type: 1 },
    ],
  },
  { kind: 'option', type: 'u8' },
  { kind: 'variant', cases: [{ name: 'empty' }, { name: 'body', type: 3 }, { name: 'err', type: 'string' }] },
  { kind: 'list', element: 'u8' },
  { kind: 'enum', names: ['ok', 'not-found'] },
  { kind: 'flags', names: ['read', 'write-all'] },
  { kind: 'result', ok: 'u8', err: 'string' },
  { kind: 'result' },
  { kind: 'tuple', types: ['string', 'u8'] },
  { kind: 'option', type: 1 },
  { kind: 'option', type: 6 },
];
const [record, option, variant, bytes, status, flags, result, bare, tuple, nested, optionalResult] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
];

const samples: readonly (readonly [text: string, type: TypeRef, value: unknown])[] = [
  ['true', 'bool', true],
  [' -9 // nine', 's8', -9],
  ['18446744073709551615', 'u64', 18446744073709551615n],
  ['6.022e+23', 'f64', 6.022e23],
  ['-inf', 'f32', Number.NEGATIVE_INFINITY],
  ["'☃'", 'char', '☃'],
  ["'\\u{1F44B}'", 'char', '👋'],
  ['"abc\\t123 \\"x\\" 👋"', 'string', 'abc\t123 "x" 👋'],
  [
    '"""\n    Indentation determined\n      by ending delimiter\n  """',
    'string',
    '  Indentation determined\n    by ending delimiter',
  ],
  ['{must-have: 123}', record, { mustHave: 123, optional: undefined }],
  ['{optional: some(4), must-have: 1,}', record, { mustHave: 1, optional: 4 }],
  ['123', option, 123],
  ['none', option, undefined],
  ['empty', variant, { tag: 'empty' }],
  ['body([79, 75])', variant, { tag: 'body', val: Uint8Array.of(79, 75) }],
  ['%err("oops")', variant, { tag: 'err', val: 'oops' }],
  ['%ok', status, 'ok'],
  ['{write-all, read}', flags, { read: true, writeAll: true }],
  ['{}', flags, { read: false, writeAll: false }],
  ['7', result, { tag: 'ok', val: 7 }],
  ['err("no")', result, { tag: 'err', val: 'no' }],
  ['ok', bare, { tag: 'ok', val: undefined }],
  ['("a", 2,)', tuple, ['a', 2]],
  ['some(none)', nested, { tag: 'some', val: undefined }],
  ['some(err("x"))', optionalResult, { tag: 'err', val: 'x' }],
];

for (const [text, type, value] of samples) {
  test(`${JSON.stringify(text)} is read and printed back`, () => {
    assert.deepStrictEqual(parseValue(text, type, types), value);
    assert.deepStrictEqual(parseValue(printValue(value, type, types), type, types), value);
  });
}

const wrong: readonly (readonly [text: string, type: TypeRef, message: RegExp])[] = [
  ['256', 'u8', /256 is not a u8 \(0 to 255\) \(at character 1\)/],
  ['1.5', 'u8', /expected u8, found 1.5/],
  ['[1, "x"]', bytes as TypeRef, /expected u8, found "x" \(at character 5\)/],
  ['{must-hav: 1}', record as TypeRef, /no field 'must-hav'/],
  ['{optional: 1}', record as TypeRef, /field 'must-have' is missing/],
  ['oops', status as TypeRef, /no case 'oops' in enum/],
  ['"abc', 'string', /not closed/],
  ["'ab'", 'char', /one character/],
  ['1 2', 'u8', /unexpected text/],
  ['', 'u8', /expected u8, found the end/],
  ['some(some(1)', nested as TypeRef, /expected \)/],
  ['err("x")', optionalResult as TypeRef, /expected option<result>/],
];

for (const [text, type, message] of wrong) {
  test(`${JSON.stringify(text)} is refused with its position and the expected type`, () => {
    assert.throws(
      () => parseValue(text, type, types),
      (error) =>
        error instanceof HostError && error.code === 'HOST_ERR_VALUE_INVALID' && message.test(error.message),
    );
  });
}

test('a call is split into its name and the text of each argument', () => {
  assert.deepEqual(parseCall('add(1, [2, 3], "a,b)")'), { name: 'add', args: ['1', '[2, 3]', '"a,b)"'] });
  assert.deepEqual(parseCall('wasi:cli/run@0.2.6#run()'), { name: 'wasi:cli/run@0.2.6#run', args: [] });
  assert.deepEqual(parseCall('run'), { name: 'run', args: [] });
  for (const text of ['', 'f(', 'f(1', 'f(1))', 'f(1) x', 'f([1)', `f(${'('.repeat(1000)}`])
    assert.throws(() => parseCall(text), HostError, text);
});

test('a value that does not fit its type is not printed', () => {
  assert.throws(
    () => printValue({ mustHave: 'x' }, record as TypeRef, types),
    /value.mustHave must be u8, got "x"/,
  );
});

test('generated values come back from their text', async () => {
  const { declarations, refs } = writeWit(fc.sample(witType(), { numRuns: 60 }));
  const wit = `package a:b; interface t { ${declarations} ${refs.map((ref, index) => `call${index}: func(x: ${ref});`).join('\n')} } world w { import t; }`;
  const world = worldOfComponentType(componentTypeSection(await embedWorld(wit, 'w')) as Uint8Array);
  const item = world.imports[0];
  assert.ok(item?.kind === 'interface');
  for (const { type } of item.interface.functions) {
    const ref = type.params[0]?.type as TypeRef;
    fc.assert(
      fc.property(witValue(world.types, ref), (value) => {
        assert.deepStrictEqual(parseValue(printValue(value, ref, world.types), ref, world.types), value);
      }),
      { numRuns: 10 },
    );
  }
});

test('strings are printed as UTF-8 with what could steer a terminal escaped', () => {
  for (const [text, printed] of [
    ['plain', '"plain"'],
    ['"it\'s\\', '"\\"it\'s\\\\"'],
    ['\t\n\r\0\x1b\x7f\x9f', '"\\t\\n\\r\\u{0}\\u{1b}\\u{7f}\\u{9f}"'],
    ['\xa0é€😀', '"\xa0é€😀"'],
    ['a\ud800b\udc00', '"a\ufffdb\ufffd"'],
  ] as const)
    assert.equal(printValue(text, 'string', types), printed);
  assert.equal(printValue("'", 'char', types), "'\\''");
  assert.equal(printValue('"', 'char', types), "'\"'");
});

test('a text is printed up to its bound and given up beyond, however long it would become', () => {
  assert.equal(encodeValue('\0'.repeat(10), 'string', types, 52).length, 52);
  assert.throws(() => encodeValue('\0'.repeat(10), 'string', types, 51), TextTooLong);
  assert.throws(() => encodeValue('\0'.repeat(100_000_000), 'string', types, 1000), TextTooLong);
  assert.throws(() => encodeValue(new Uint8Array(50_000_000), bytes, types, 1000), TextTooLong);
});
