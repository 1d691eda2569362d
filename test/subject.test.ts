import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  groupFault,
  isPattern,
  isSubject,
  isWithin,
  matches,
  meet,
  patternFault,
  reservedToken,
  subjectFault,
} from '../host/subject.ts';
import { fc } from './support/properties.ts';

/** Few tokens, so that drawn patterns often meet. */
const token = fc.constantFrom('a', 'b', 'cc');
const subjects = fc.array(token, { minLength: 1, maxLength: 5 }).map((tokens) => tokens.join('.'));
const patterns = fc
  .tuple(fc.array(fc.oneof(token, fc.constant('*')), { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([tokens, isOpen]) => [...tokens, ...(isOpen ? ['>'] : [])].join('.'));

/** The rule said once more, as a regular expression. */
function expression(pattern: string): RegExp {
  const tokens = pattern.split('.').map((one) => (one === '*' ? '[^.]+' : one === '>' ? '.+' : one));
  return new RegExp(`^${tokens.join('\\.')}$`);
}

test('subjects are printable tokens with dots between', () => {
  for (const subject of ['a', 'orders.eu.created', '_inbox.1', 'a-b_c:d/e', 'größe.日本', 'x'.repeat(256)])
    assert.equal(subjectFault(subject), undefined, subject);
});

const wrong: readonly (readonly [title: string, text: string, expected: RegExp])[] = [
  ['nothing', '', /empty/],
  ['a dot at the beginning', '.a', /empty token/],
  ['a dot at the end', 'a.', /empty token/],
  ['two dots in a row', 'a..b', /empty token/],
  ['a space', 'a b', /space/],
  ['a line end', 'a\nb', /cannot be seen/],
  ['a NUL', 'a\0b', /cannot be seen/],
  ['a delete character', 'a\x7Fb', /cannot be seen/],
  ['a character without width', 'a\u200Bb', /cannot be seen/],
  ['a character that turns the writing', 'a\u202Eb', /cannot be seen/],
  ['a wide space', 'a\u3000b', /cannot be seen/],
  ['half of a pair', 'a\uD800', /cannot be seen/],
  ['a letter and its accent apart', 'cafe\u0301', /composed form/],
  ['257 characters', 'x'.repeat(257), /longer than 256 bytes/],
  ['257 bytes in fewer characters', 'é'.repeat(129), /longer than 256 bytes/],
];

for (const [title, text, expected] of wrong)
  test(`neither subject nor pattern: ${title}`, () => {
    assert.match(subjectFault(text) ?? '', expected);
    assert.match(patternFault(text) ?? '', expected);
  });

test('wildcards stand in patterns, for whole tokens, and > only at the end', () => {
  for (const pattern of ['*', '>', 'a.*', '*.a', 'a.*.c', 'a.>', '*.>']) {
    assert.ok(isPattern(pattern), pattern);
    assert.ok(!isSubject(pattern), pattern);
  }
  for (const text of ['a*', '*a', 'a.b*.c', 'a>', '>.a', 'a.>.b', '**', '>>', 'a.*>', '>.>'])
    assert.ok(!isPattern(text), text);
});

test('* is exactly one token and > one or more', () => {
  assert.deepEqual(
    ['orders', 'orders.a', 'orders.a.b', 'order.a'].map((subject) => [
      matches('orders.*', subject),
      matches('orders.>', subject),
    ]),
    [
      [false, false],
      [true, true],
      [false, true],
      [false, false],
    ],
  );
});

test('a pattern matches what its regular expression matches', () => {
  fc.assert(
    fc.property(patterns, subjects, (pattern, subject) => {
      assert.equal(matches(pattern, subject), expression(pattern).test(subject));
    }),
    { numRuns: 2_000 },
  );
});

test('what lies within a pattern matches nothing that the pattern does not', () => {
  fc.assert(
    fc.property(patterns, patterns, subjects, (inner, outer, subject) => {
      if (isWithin(inner, outer) && matches(inner, subject)) assert.ok(matches(outer, subject));
    }),
    { numRuns: 5_000 },
  );
});

test('a pattern with a wildcard is within another only if a token nobody named is too', () => {
  fc.assert(
    fc.property(patterns, patterns, (inner, outer) => {
      // Tokens that no pattern names stand for all others, so these few subjects decide.
      const samples = ['zz', 'zz.zz', 'zz.zz.zz.zz.zz.zz'].map((rest) =>
        inner.replaceAll('*', 'zz').replace('>', rest),
      );
      assert.equal(
        isWithin(inner, outer),
        samples.every((subject) => matches(outer, subject)),
      );
    }),
    { numRuns: 5_000 },
  );
});

test('where two patterns meet, both match, and nowhere else', () => {
  fc.assert(
    fc.property(patterns, patterns, subjects, (one, other, subject) => {
      const shared = meet(one, other);
      assert.equal(
        shared !== undefined && matches(shared, subject),
        matches(one, subject) && matches(other, subject),
      );
      if (shared !== undefined) assert.ok(isPattern(shared), shared);
    }),
    { numRuns: 5_000 },
  );
});

test('reserved tokens are seen whole and only in front', () => {
  assert.deepEqual(
    ['agent', 'agent.a', 'host.x', '_inbox.1', 'agents.a', 'a.agent', '*.a', 'Agent.a'].map(reservedToken),
    ['agent', 'agent', 'host', '_inbox', undefined, undefined, undefined, undefined],
  );
});

test('a group is one token', () => {
  assert.equal(groupFault('billing'), undefined);
  for (const text of ['', 'a.b', 'a b', '*', '>']) assert.notEqual(groupFault(text), undefined, text);
});
