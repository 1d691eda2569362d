import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KnownTexts, knownBytesMax, knownTextsMax } from '../../../host/engine/fast-lane/known-texts.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** A guest's memory, and how often a text was made of it. */
function memory() {
  const view = new DataView(new ArrayBuffer(256));
  let made = 0;
  const texts = new KnownTexts((from, at, length) => {
    made += 1;
    return decoder.decode(new Uint8Array(from.buffer, at, length));
  });
  const lift = (text: string, at = 7): string => {
    const bytes = encoder.encode(text);
    new Uint8Array(view.buffer).set(bytes, at);
    return texts.lift(view, at, bytes.length);
  };
  return { view, texts, lift, made: () => made };
}

test('texts come out as they are, however often and from wherever they come', () => {
  const { lift } = memory();
  const fits = (text: string): boolean => encoder.encode(text).length <= knownBytesMax;
  const text = fc
    .oneof(fc.string({ unit: 'binary' }), fc.string({ maxLength: 3 }), fc.constant('agent.a'))
    .filter(fits);
  const lifts = fc.array(fc.tuple(fc.array(text, { minLength: 1, maxLength: 4 }), fc.nat(64)), {
    maxLength: 40,
  });
  const property = fc.property(lifts, (all) => {
    for (const [some, at] of all)
      for (const one of [...some, ...some, ...some]) assert.equal(lift(one, at), one);
  });
  fc.assert(property, { numRuns: 300 });
});

test('a text that comes again is not made again from the third time on', () => {
  const { lift, made } = memory();
  for (let times = 0; times < 10; times += 1) assert.equal(lift('agent.sink'), 'agent.sink');
  assert.equal(made(), 2);
});

test('texts that come once push out nothing', () => {
  const { lift, made } = memory();
  for (let times = 0; times < 2; times += 1) lift('agent.sink');
  const before = made();
  const others = 20 * knownTextsMax;
  for (let other = 0; other < others; other += 1) lift(`agent.${other}`);
  lift('agent.sink');
  assert.equal(made() - before, others);
});

test('what differs in one byte, or in length alone, is another text', () => {
  const { lift } = memory();
  const all = [
    'abcdefgh',
    'abcdefg',
    'abcdefgi',
    'bbcdefgh',
    'abcdefgh\0',
    '\0',
    '\0\0',
    '\0\0\0\0',
    'é',
    'è',
  ];
  for (let times = 0; times < 4; times += 1) for (const text of all) assert.equal(lift(text), text);
});

test('bytes that are no text are refused every time', () => {
  const { view, texts } = memory();
  new Uint8Array(view.buffer).set([0xff, 0xfe], 16);
  for (let times = 0; times < 4; times += 1) assert.throws(() => texts.lift(view, 16, 2), TypeError);
});
