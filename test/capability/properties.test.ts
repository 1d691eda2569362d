import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Capabilities, type HttpTarget } from '../../host/capability/capabilities.ts';
import { levels } from '../../host/manifest/scheduling.ts';
import { type Grants, type HttpGrant, noGrants } from '../../host/manifest.ts';
import { matches } from '../../host/subject.ts';
import { fc } from '../support/properties.ts';

/** Few words, so that drawn grants and questions often meet. */
const word = fc.constantFrom('a', 'b', 'agent', 'host');
const subject = fc.array(word, { minLength: 1, maxLength: 4 }).map((tokens) => tokens.join('.'));
const pattern = fc
  .tuple(fc.array(fc.oneof(word, fc.constant('*')), { maxLength: 3 }), fc.boolean())
  .filter(([tokens, isOpen]) => isOpen || tokens.length > 0)
  .map(([tokens, isOpen]) => [...tokens, ...(isOpen ? ['>'] : [])].join('.'));
const patterns = fc.array(pattern, { maxLength: 4 });
const name = fc.constantFrom('x', 'xy', 'xyz', 'y');
const namePatterns = fc.array(fc.oneof(name, fc.constantFrom('x*', 'xy*', '*')), { maxLength: 3 });
const method = fc.constantFrom('GET', 'POST', 'CONNECT');
const http: fc.Arbitrary<HttpGrant> = fc.record({
  scheme: fc.constantFrom('http', 'https'),
  host: fc.constantFrom('a.example', '*.example', '*.a.example', 'b.a.example'),
  port: fc.constantFrom(80, 443),
  methods: fc.option(fc.uniqueArray(method), { nil: undefined }),
  path: fc.constantFrom('/', '/v1', '/v1/', '/v1/a'),
});
const grants: fc.Arbitrary<Grants> = fc.record({
  bus: fc.record(
    { send: patterns, publish: patterns, subscribe: patterns, priorityMax: fc.constantFrom(...levels) },
    { requiredKeys: ['send', 'publish', 'subscribe'], noNullPrototype: true },
  ),
  http: fc.array(http, { maxLength: 3 }),
  files: fc.constant([]),
  net: fc.array(fc.record({ host: name, port: fc.constantFrom(1, 2, undefined) }), { maxLength: 3 }),
  environment: fc.constant([]),
  secrets: fc.uniqueArray(name, { maxLength: 2 }),
  context: fc.boolean(),
  tools: namePatterns,
  spawn: namePatterns,
  orchestration: fc.record({
    channels: namePatterns,
    leases: namePatterns,
    groups: namePatterns,
    spawnFrom: namePatterns,
    links: namePatterns,
    monitors: namePatterns,
    childrenMax: fc.nat(9),
  }),
});
const target: fc.Arbitrary<HttpTarget> = fc.record({
  scheme: fc.constantFrom('http', 'https'),
  host: fc.constantFrom('example', 'a.example', 'b.a.example'),
  port: fc.constantFrom(80, 443),
  method,
  path: fc.constantFrom('/', '/v1', '/v1/a', '/v1/a/b', '/v1/../x'),
});
const question = fc.record({
  level: fc.constantFrom(...levels),
  subject,
  pattern,
  name,
  port: fc.constantFrom(1, 2),
  target,
});
type Question = typeof question extends fc.Arbitrary<infer Asked> ? Asked : never;

const questionNames = [
  'send',
  'publish',
  'subscribe',
  'tool',
  'spawn',
  'http',
  'net',
  'secret',
  'context',
  'channels',
  'leases',
  'groups',
  'spawnFrom',
  'priority',
  'links',
  'monitors',
];

function answers(one: Capabilities, asked: Question): boolean[] {
  return [
    one.maySend(asked.subject),
    one.mayPublish(asked.subject),
    one.maySubscribe(asked.pattern),
    one.mayCall(asked.name),
    one.maySpawn(asked.name),
    one.mayConnect(asked.target),
    one.mayReach(asked.name, asked.port),
    one.mayUseSecret(asked.name),
    one.mayUseContext(),
    one.mayShare('channels', asked.name),
    one.mayShare('leases', asked.name),
    one.mayShare('groups', asked.name),
    one.mayShare('spawnFrom', asked.name),
    one.mayUrge(asked.level),
    one.mayShare('links', asked.name),
    one.mayShare('monitors', asked.name),
  ];
}

function assertWithin(inner: boolean[], outer: boolean[]): void {
  inner.forEach((isAllowed, index) => {
    if (isAllowed) assert.ok(outer[index], String(questionNames[index]));
  });
}

test('narrowed rights are what both allow, asked for anything', () => {
  fc.assert(
    fc.property(grants, grants, question, (wide, narrow, asked) => {
      const owner = Capabilities.of(wide, 'a');
      const alone = answers(Capabilities.of(narrow, 'b'), asked);
      const both = answers(owner, asked).map((isAllowed, index) => isAllowed && alone[index] === true);
      assert.deepEqual(answers(owner.attenuate(narrow), asked), both);
      assert.deepEqual(answers(owner.delegate(narrow), asked), both);
    }),
    { numRuns: 3_000 },
  );
});

test('what is shown as granted, after narrowing and revoking, is never more than what is allowed', () => {
  fc.assert(
    fc.property(grants, grants, grants, question, (wide, narrow, gone, asked) => {
      const owner = Capabilities.of(wide, 'a');
      const child = owner.delegate(narrow);
      owner.revoke(gone);
      for (const one of [owner, child])
        assertWithin(answers(Capabilities.of(one.grants, 'b'), asked), answers(one, asked));
    }),
    { numRuns: 3_000 },
  );
});

test('what was revoked is allowed no more, and nothing is allowed that was not before', () => {
  fc.assert(
    fc.property(grants, grants, grants, question, (wide, narrow, gone, asked) => {
      const owner = Capabilities.of(wide, 'a');
      const child = owner.attenuate(narrow).delegate(wide);
      const before = [answers(owner, asked), answers(child, asked)];
      owner.revoke(gone);
      const taken = answers(Capabilities.of(gone, 'b'), asked);
      [owner, child].forEach((one, index) => {
        const now = answers(one, asked);
        assertWithin(now, before[index] ?? []);
        now.forEach((isAllowed, at) => {
          assert.ok(!(isAllowed && taken[at] === true), String(questionNames[at]));
        });
      });
    }),
    { numRuns: 3_000 },
  );
});

test('a subject is allowed if some granted pattern matches it, asked once or again', () => {
  fc.assert(
    fc.property(patterns, fc.array(subject, { minLength: 1 }), (send, subjects) => {
      const one = Capabilities.of({ ...noGrants, bus: { ...noGrants.bus, send } }, 'a');
      for (const asked of [...subjects, ...subjects]) {
        const isHosts = asked === 'host' || asked.startsWith('host.');
        assert.equal(one.maySend(asked), !isHosts && send.some((granted) => matches(granted, asked)), asked);
      }
    }),
    { numRuns: 3_000 },
  );
});
