import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Capabilities } from '../../host/capability/capabilities.ts';
import { busGrants } from '../support/grants.ts';

const everything = Capabilities.of(
  busGrants({ send: ['>'], publish: ['>'], subscribe: ['>'] }),
  'agent.toml',
);
const some = Capabilities.of(
  busGrants({ send: ['team.*', 'x.>'], publish: ['team.*', 'x.>'], subscribe: ['team.*', 'x.>'] }),
  'agent.toml',
);

/** Texts that are no subjects, and yet could slip through a careless comparison with `team.*` and `x.>`. */
const odd: Readonly<Record<string, readonly string[]>> = {
  'an empty token': ['team.', '.team.a', 'x..y', 'x.', 'team..a', '.', '..', ''],
  'a wildcard as a subject': ['team.*', 'x.>', 'x.*.y', 'x.a*', 'x.>y'],
  'a > in the middle': ['x.>.y', 'x.>.>', '>.x'],
  'spaces and control characters': ['team. ', 'team.\0', 'team.a\n', 'x.a b', 'x.\t', 'x.a\r\nb', 'x.\u0085'],
  'characters without width': ['team.\u200B', 'x.\uFEFF', 'x.\u2060y', 'x.\u00AD'],
  'letters and accents apart': ['x.e\u0301'],
  'halves of pairs': ['x.\uD800', 'x.\uDC00a'],
  'too long': [`x.${'a'.repeat(255)}`, `x.${'é'.repeat(128)}`, `x.${'a'.repeat(50_000_000)}`],
};

for (const [what, texts] of Object.entries(odd))
  test(`nobody sends or publishes to ${what}, whatever was granted`, () => {
    for (const text of texts)
      for (const one of [some, everything, some])
        assert.deepEqual([one.maySend(text), one.mayPublish(text)], [false, false], text.slice(0, 40));
  });

test('a look-alike is another subject', () => {
  const latin = Capabilities.of(busGrants({ send: ['agent.audit', 'pay.*'] }), 'agent.toml');
  for (const subject of [
    'agent.аudit',
    'agent.Audit',
    'рay.x',
    'pay。x',
    'pay．x',
    'ｐay.x',
    'agent.audit\u200D',
  ])
    assert.ok(!latin.maySend(subject), subject);
});

test('a question about a pattern is not the answer about a subject of the same text', () => {
  assert.ok(some.maySubscribe('x.>'));
  assert.ok(!some.maySend('x.>'));
  assert.ok(!some.mayPublish('x.>'));
  assert.ok(some.maySubscribe('team.*'));
  assert.ok(!some.maySend('team.*'));
});

test('nobody publishes to mailboxes, to the events of the host or to replies', () => {
  for (const subject of ['agent.a', 'agent', 'host.agent.started', 'host', '_inbox.1', '_inbox'])
    assert.ok(!everything.mayPublish(subject), subject);
});

test('nobody sends to the events of the host or to replies', () => {
  for (const subject of ['host.x', '_inbox.1']) assert.ok(!everything.maySend(subject), subject);
  assert.ok(everything.maySend('agent.a'));
});

test('nobody subscribes to mailboxes or replies', () => {
  for (const pattern of ['agent.a', 'agent.*', 'agent.>', 'agent', '_inbox.>', '_inbox.1'])
    assert.ok(!everything.maySubscribe(pattern), pattern);
});

test('events of the host are granted by their name, never by a wildcard', () => {
  const listed = Capabilities.of(busGrants({ subscribe: ['host.agent.*'] }), 'agent.toml');
  const wild = Capabilities.of(busGrants({ subscribe: ['*.agent.*', '>'] }), 'agent.toml');
  assert.deepEqual(
    ['host.agent.*', 'host.agent.started', 'host.>', 'host.thread.lost'].map((one) =>
      listed.maySubscribe(one),
    ),
    [true, true, false, false],
  );
  for (const pattern of ['host.agent.*', 'host.agent.started', 'host.>', 'host'])
    assert.ok(!wild.maySubscribe(pattern), pattern);
});

test('grants of reserved subjects that came past the manifest give nothing', () => {
  const smuggled = Capabilities.of(
    busGrants({
      send: ['_inbox.1'],
      publish: ['agent.a', 'host.x', 'agent.>'],
      subscribe: ['agent.a', '_inbox.>'],
    }),
    'agent.toml',
  );
  assert.ok(!smuggled.maySend('_inbox.1'));
  for (const subject of ['agent.a', 'host.x', 'agent.b']) assert.ok(!smuggled.mayPublish(subject), subject);
  for (const pattern of ['agent.a', '_inbox.>', '_inbox.1'])
    assert.ok(!smuggled.maySubscribe(pattern), pattern);
});

test('names of an object’s own machinery are only subjects', () => {
  for (const subject of ['__proto__', 'constructor', 'x.__proto__', 'toString'])
    assert.equal(some.maySend(subject), subject.startsWith('x.'), subject);
});

test('a narrower right asked for wider is not wider', () => {
  const narrow = Capabilities.of(busGrants({ send: ['a.b'], subscribe: ['a.*'] }), 'agent.toml');
  for (const wide of [
    narrow.attenuate(busGrants({ send: ['>'], subscribe: ['>'] })),
    narrow.delegate(busGrants({ send: ['>'], subscribe: ['>'] })),
  ]) {
    assert.deepEqual([wide.maySend('a.b'), wide.maySend('a.c')], [true, false]);
    assert.deepEqual(
      [wide.maySubscribe('a.*'), wide.maySubscribe('a.>'), wide.maySubscribe('>')],
      [true, false, false],
    );
    assert.deepEqual(wide.grants.bus, { send: ['a.b'], publish: [], subscribe: ['a.*'] });
  }
});

test('equal grants share their memory of verdicts, and revoking one agent’s leaves the other’s', () => {
  const grants = busGrants({ send: ['shared.>'] });
  const [one, other] = [
    Capabilities.of(grants, 'one.toml'),
    Capabilities.of(structuredClone(grants), 'other.toml'),
  ];
  assert.ok(one.maySend('shared.a') && other.maySend('shared.a'));
  assert.equal(one.grants, other.grants);
  one.revoke(busGrants({ send: ['shared.a'] }));
  assert.deepEqual([one.maySend('shared.a'), other.maySend('shared.a')], [false, true]);
  one.revoke();
  assert.deepEqual([one.maySend('shared.b'), other.maySend('shared.b')], [false, true]);
});
