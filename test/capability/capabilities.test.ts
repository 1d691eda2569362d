import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Capabilities } from '../../host/capability/capabilities.ts';
import { noGrants } from '../../host/manifest.ts';
import { busGrants, grantsFrom } from '../support/grants.ts';

const path = 'agents/billing/agent.toml';
const of = (text: string): Capabilities => Capabilities.of(grantsFrom(text), path);

test('without grants everything is denied', () => {
  const none = Capabilities.of(noGrants, path);
  const request = { scheme: 'https', host: 'a.example', port: 443, method: 'GET', path: '/' };
  assert.deepEqual(
    [
      none.maySend('agent.audit'),
      none.mayPublish('a'),
      none.maySubscribe('>'),
      none.mayCall('clock'),
      none.maySpawn('worker'),
      none.mayConnect(request),
      none.mayReach('localhost', 80),
      none.mayOpen({ path: 'data', guest: '/data', mode: 'read-only' }),
      none.mayUseSecret('key'),
      none.mayUseContext(),
    ],
    Array.from({ length: 10 }, () => false),
  );
});

test('sending: what was granted, by name or pattern; the unknown and the forbidden are the same', () => {
  const some = Capabilities.of(busGrants({ send: ['agent.audit', 'prices.>', 'a.*.c'] }), path);
  for (const subject of ['agent.audit', 'prices.eu', 'prices.eu.x', 'a.b.c'])
    assert.ok(some.maySend(subject), subject);
  for (const subject of ['agent.nobody', 'agent.billing', 'prices', 'a.c', 'a.b.b.c', 'a.b.d', 'agent'])
    assert.ok(!some.maySend(subject), subject);
});

test('one right is not another', () => {
  const some = Capabilities.of(busGrants({ send: ['x.>'] }), path);
  assert.deepEqual(
    [some.maySend('x.y'), some.mayPublish('x.y'), some.maySubscribe('x.y')],
    [true, false, false],
  );
});

test('a subscription has to lie within one granted pattern', () => {
  const some = Capabilities.of(busGrants({ subscribe: ['orders.*', 'orders.*.created', 'eu.>'] }), path);
  for (const pattern of [
    'orders.a',
    'orders.*',
    'orders.*.created',
    'orders.x.created',
    'eu.>',
    'eu.*.x',
    'eu.a.>',
  ])
    assert.ok(some.maySubscribe(pattern), pattern);
  for (const pattern of ['orders.>', 'orders.*.*', '>', '*.a', '*', 'eu', '*.>', 'orders.*.>'])
    assert.ok(!some.maySubscribe(pattern), pattern);
});

test('tools and agents to start: a name, or all that begin alike', () => {
  const some = of('[capabilities]\ntools = ["weather.*", "clock"]\nspawn = ["worker-*"]');
  assert.deepEqual(
    ['weather.today', 'weather.', 'clock', 'clocks', 'weather', 'weather.*', '*', ''].map((tool) =>
      some.mayCall(tool),
    ),
    [true, true, true, false, false, false, false, false],
  );
  assert.deepEqual(
    ['worker-1', 'worker', 'worker-*', 'worker-A', 'worker-1/x'].map((name) => some.maySpawn(name)),
    [true, false, false, false, false],
  );
});

test('levels: up to the one that was granted, taken back as a whole, and handed on no further than both have it', () => {
  const critical = Capabilities.of(busGrants({ priorityMax: 'critical' }), 'agent.toml');
  assert.equal(critical.mayUrge('critical'), true, 'allowed');
  assert.equal(critical.mayUrge('low'), true);
  assert.equal(critical.mayUrge('realtime'), false, 'forbidden');
  assert.equal(Capabilities.of(noGrants, 'agent.toml').mayUrge('batch'), false);
  const handedOn = critical.delegate(busGrants({ priorityMax: 'high' }));
  assert.deepEqual([handedOn.mayUrge('critical'), handedOn.mayUrge('high')], [false, true]);
  assert.equal(handedOn.grants.bus.priorityMax, 'high');
  assert.equal(critical.cure('priority', 'realtime'), 'agent.toml: [capabilities.bus] priority = "realtime"');
  critical.revoke(busGrants({ priorityMax: 'high' }));
  assert.deepEqual([critical.mayUrge('critical'), handedOn.mayUrge('high')], [false, false]);
  assert.equal(critical.grants.bus.priorityMax, undefined);
});

test('files, sockets, secrets and context', () => {
  const some = of(
    '[capabilities]\ncontext = true\n[[capabilities.files]]\npath = "data"\n[[capabilities.net]]\nhost = "db.example"\nport = 5432\n[environment]\nK = { secret = "key" }',
  );
  assert.ok(some.mayUseContext());
  assert.ok(some.mayOpen({ path: 'data', guest: '/data', mode: 'read-only' }));
  assert.ok(!some.mayOpen({ path: 'data', guest: '/data', mode: 'read-write' }));
  assert.ok(!some.mayOpen({ path: 'other', guest: '/data', mode: 'read-only' }));
  assert.deepEqual(
    [
      some.mayReach('DB.example.', 5432),
      some.mayReach('db.example', 5433),
      some.mayReach('x.db.example', 5432),
    ],
    [true, false, false],
  );
  assert.deepEqual([some.mayUseSecret('key'), some.mayUseSecret('other')], [true, false]);
});

test('rights are handed on three times, and not a fourth', () => {
  let held = Capabilities.of(busGrants({ send: ['>'] }), path);
  for (let hand = 1; hand <= 3; hand += 1) {
    held = held.delegate(busGrants({ send: ['>'] }));
    assert.equal(held.delegations, hand);
  }
  assert.throws(() => held.delegate(busGrants({ send: ['a'] })), {
    code: 'HOST_ERR_CAPABILITY_DEPTH',
    message: /at most 3 times \(delegationsMax\)/,
  });
  assert.throws(() => held.attenuate(noGrants).delegate(noGrants), { code: 'HOST_ERR_CAPABILITY_DEPTH' });
});

test('rights are narrowed a bounded number of times', () => {
  let held = Capabilities.of(noGrants, path);
  for (let time = 0; time < 16; time += 1) held = held.attenuate(noGrants);
  assert.throws(() => held.attenuate(noGrants), { message: /at most 16 times \(narrowingsMax\)/ });
});

test('revoking everything works at once, for all it was handed on to', () => {
  const owner = Capabilities.of(busGrants({ send: ['a.>'] }), path);
  const child = owner.delegate(busGrants({ send: ['a.b'] }));
  const grandchild = child.attenuate(busGrants({ send: ['a.b'] })).delegate(busGrants({ send: ['a.b'] }));
  assert.deepEqual(
    [owner, child, grandchild].map((one) => one.maySend('a.b')),
    [true, true, true],
  );
  child.revoke();
  assert.deepEqual(
    [owner, child, grandchild].map((one) => one.maySend('a.b')),
    [true, false, false],
  );
  assert.deepEqual(
    [owner, child, grandchild].map((one) => one.isRevoked),
    [false, true, true],
  );
  assert.equal(owner.delegate(busGrants({ send: ['a.b'] })).maySend('a.b'), true);
  assert.equal(child.delegate(busGrants({ send: ['a.b'] })).maySend('a.b'), false);
  assert.deepEqual(grandchild.grants, noGrants);
});

test('revoking a part takes that part and nothing else, here and below, for good', () => {
  const owner = Capabilities.of(busGrants({ send: ['a.>'], subscribe: ['a.>'] }), path);
  const child = owner.delegate(busGrants({ send: ['a.>'] }));
  assert.ok(owner.maySend('a.secret') && child.maySend('a.secret'));
  owner.revoke(busGrants({ send: ['a.secret'], subscribe: ['a.*.x'] }));
  for (const one of [owner, child, owner.delegate(busGrants({ send: ['a.secret', 'a.b'] }))])
    assert.deepEqual([one.maySend('a.secret'), one.maySend('a.b')], [false, true]);
  assert.deepEqual(
    ['a.>', 'a.b.*', 'a.b.x', 'a.b.y', 'a.*'].map((pattern) => owner.maySubscribe(pattern)),
    [false, false, false, true, true],
  );
});

test('what is under way is told of a revocation, once for each listener, until it ends', () => {
  const owner = Capabilities.of(busGrants({ send: ['a', 'b'] }), path);
  const child = owner.delegate(busGrants({ send: ['a'] }));
  const told: string[] = [];
  const endOwn = owner.onRevoke(() => told.push('owner'));
  const endChild = child.onRevoke((what) =>
    told.push(what === undefined ? 'child all' : `child ${what.bus.send}`),
  );
  child.onRevoke(() => told.push(`may ${child.maySend('a')}`));
  owner.revoke(busGrants({ send: ['a'] }));
  assert.deepEqual(told, ['owner', 'child a', 'may false']);
  endOwn();
  child.revoke();
  assert.deepEqual(told.slice(3), ['child all', 'may false']);
  endChild();
  child.onRevoke(() => told.push('late'));
  assert.equal(told.at(-1), 'late');
});

test('a listener that throws keeps no other from being told', () => {
  const owner = Capabilities.of(noGrants, path);
  let isTold = false;
  owner.onRevoke(() => {
    throw new Error('mine');
  });
  owner.onRevoke(() => {
    isTold = true;
  });
  assert.throws(() => owner.revoke(), AggregateError);
  assert.ok(isTold);
});

test('listeners are bounded', () => {
  const owner = Capabilities.of(noGrants, path);
  const child = owner.delegate(noGrants);
  for (let one = 0; one < 65_536; one += 1) owner.onRevoke(() => {});
  assert.throws(() => child.onRevoke(() => {}), {
    code: 'HOST_ERR_BUDGET_EXHAUSTED',
    message: /listenersMax/,
  });
});

test('a pattern that is none is refused where grants come in', () => {
  for (const pattern of ['a.>.b', 'a*', '', 'a..b'])
    assert.throws(() => Capabilities.of(busGrants({ send: [pattern] }), path), {
      code: 'HOST_ERR_GRANT_INVALID',
    });
});

const cures: readonly (readonly [
  kind: Parameters<Capabilities['cure']>[0],
  target: string,
  expected: string,
])[] = [
  ['send', 'agent.audit', '[capabilities.bus] send = ["agent.audit"]'],
  ['publish', 'orders.x', '[capabilities.bus] publish = ["prices.eu", "orders.x"]'],
  ['subscribe', 'orders.>', '[capabilities.bus] subscribe += "orders.>"'],
  ['publish', 'agent.x', `"agent.x": nobody publishes to what begins with 'agent'; 'send' is for agents`],
  [
    'send',
    'a..b',
    '"a..b": no subject: it has an empty token: a dot at its beginning or end, or two in a row',
  ],
  ['tool', 'clock', '[capabilities] tools = ["clock"]'],
  ['spawn', 'worker-1', '[capabilities] spawn = ["worker-1"]'],
  ['context', '', '[capabilities] context = true'],
  ['net', '[::1]:5432', '[[capabilities.net]] host = "::1", port = 5432'],
  ['net', 'db.example.com:*', '[[capabilities.net]] host = "db.example.com", port = "*"'],
  ['secret', 'key', '[environment] NAME = { secret = "key" }'],
  ['file', '/data', '[[capabilities.files]] path = "data", guest = "/data"'],
  [
    'http',
    'POST https://api.example.com:8443/v1/x?y=z',
    '[[capabilities.http]] host = "api.example.com", port = 8443, methods = ["POST"], path = "/v1/x"',
  ],
];

test('a denial names the manifest line that would allow it', () => {
  const some = Capabilities.of(
    busGrants({ publish: ['prices.eu'], subscribe: ['a', 'b', 'c', 'd', 'e'] }),
    path,
  );
  for (const [kind, target, expected] of cures) assert.equal(some.cure(kind, target), `${path}: ${expected}`);
});

test('of a folder that may only be read a denial names the line that lets it be written, or says that none does', () => {
  const some = of(
    '[[capabilities.files]]\npath = "in"\nguest = "/data"\n[[capabilities.files]]\npath = "."\nguest = "/own"\n',
  );
  assert.equal(
    some.cure('file', '/data'),
    `${path}: [[capabilities.files]] path = "in", guest = "/data", mode = "read-write"`,
  );
  assert.match(some.cure('file', '/own'), /"\/own": it may only be read, for the manifest lies there/);
});

test('the line that a denial names allows it, put into a manifest', () => {
  const kinds = { send: 'agent.audit', publish: 'orders.x', subscribe: 'orders.>' } as const;
  for (const [kind, target] of Object.entries(kinds) as [keyof typeof kinds, string][]) {
    const [, table = '', line = ''] = /: (\[.*?\]) (.*)$/.exec(of('').cure(kind, target)) ?? [];
    const cured = of(`${table}\n${line}`);
    assert.ok(
      {
        send: cured.maySend(target),
        publish: cured.mayPublish(target),
        subscribe: cured.maySubscribe(target),
      }[kind],
    );
  }
});

test('where no line would help, a denial says so', () => {
  const owner = Capabilities.of(busGrants({ send: ['a', 'b'] }), path);
  const child = owner.delegate(busGrants({ send: ['a'] }), 'agents/child/agent.toml');
  assert.match(child.cure('send', 'b'), /^agents\/child\/agent\.toml: not among the rights handed on to it/);
  owner.revoke(busGrants({ send: ['a'] }));
  assert.match(owner.cure('send', 'a'), /has "a", which was taken back/);
  owner.revoke();
  assert.match(child.cure('send', 'a'), /rights were taken back; installing it again/);
});

test('a made-up target does not swell or steer the log', () => {
  const cure = of('').cure('tool', `x\n\u001b[2J${'y'.repeat(1_000_000)}`);
  assert.ok(cure.length < 1000);
  assert.ok(!/\p{Cc}/u.test(cure));
});
