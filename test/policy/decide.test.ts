import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cedar } from '../../host/policy/cedar.ts';
import { Circumstances, type ContextTree, circumstancesMax } from '../../host/policy/circumstances.ts';
import { conditionText } from '../../host/policy/condition.ts';
import { Decider } from '../../host/policy/decider.ts';
import type { Decision } from '../../host/policy/decision.ts';
import { Interned, namesMax } from '../../host/policy/interned.ts';
import type { PolicyRequest } from '../../host/policy/request.ts';
import { agent, deciding, policyFaults, policySet, requestOf } from '../support/policies.ts';

const shop = [agent('shop', ['sellers'])];
const orders = `@id("orders") permit (principal in Motehost::Group::"sellers",
  action == Motehost::Action::"bus.publish", resource in Motehost::Subject::"orders.>");
@id("secret") @reason("it is secret") forbid (principal, action, resource in Motehost::Subject::"orders.secret.>");`;
const publish = (who: string, subject: string): PolicyRequest =>
  requestOf(`agent:${who}`, 'bus.publish', `subject:${subject}`);

test('allowed, unknown, forbidden: by name of the policies that determined it', () => {
  using it = deciding(orders, shop);
  const allowed = it.decider.decide(publish('shop', 'orders.eu'));
  assert.deepEqual([allowed.kind, allowed.policies], ['allow', ['a.cedar#orders']]);
  const unknown = it.decider.decide(publish('nobody', 'orders.eu'));
  assert.deepEqual([unknown.kind, unknown.policies, unknown.reason], ['deny', [], 'no policy permits it']);
  const forbidden = it.decider.decide(publish('shop', 'orders.secret.eu'));
  assert.deepEqual(
    [forbidden.kind, forbidden.policies, forbidden.reason],
    ['deny', ['a.cedar#secret'], 'it is secret'],
  );
});

test('without a policy everything is denied', () => {
  using it = deciding('');
  assert.equal(it.decider.decide(publish('shop', 'orders.eu')).kind, 'deny');
});

test('of several permits the strictest decides, and all their conditions bind', () => {
  using it = deciding(`
@id("free") permit (principal == Motehost::Agent::"a", action, resource);
@id("small") @conditions("max-bytes 4 KiB; rate 10/s; redact card.number") permit (principal, action == Motehost::Action::"bus.publish", resource);
@id("smaller") @conditions("max-bytes 1 KiB; rate 100/min") @audit("payload")
permit (principal, action == Motehost::Action::"bus.publish", resource in Motehost::Subject::"small.>");
@id("asked") @decision("step-up") @reason("a person decides") permit (principal, action, resource in Motehost::Subject::"small.asked.>");
@id("later") @decision("defer") permit (principal, action, resource in Motehost::Subject::"small.asked.later.>");`);
  const decide = (subject: string): Decision => it.decider.decide(publish('a', subject));
  const conditionsOf = (decision: Decision): string[] => decision.conditions.map(conditionText);
  assert.deepEqual(conditionsOf(decide('x')), ['max-bytes 4096', 'rate 10/s', 'redact card.number']);
  const smaller = decide('small.x');
  assert.equal(smaller.kind, 'conditions');
  assert.deepEqual(conditionsOf(smaller), [
    'max-bytes 1024',
    'rate 10/s',
    'redact card.number',
    'rate 100/min',
  ]);
  assert.equal(smaller.audit, 'payload');
  const asked = decide('small.asked.x');
  assert.deepEqual([asked.kind, asked.reason], ['step-up', 'a person decides']);
  assert.equal(decide('small.asked.later.x').kind, 'defer');
  assert.equal(it.decider.decide(requestOf('agent:a', 'invoke', 'agent:b')).kind, 'allow');
});

test('a permit with an end holds until then and no longer, from the cache too', () => {
  using it = deciding(`@id("move") @conditions("until 2023-11-14T22:14:00Z")
permit (principal, action == Motehost::Action::"invoke", resource);`);
  const request = requestOf('agent:a', 'invoke', 'agent:b');
  const grant = it.decider.grant(request);
  assert.equal(grant.decision.kind, 'allow');
  assert.ok(grant.isLive());
  it.clock.turn(38_900);
  assert.equal(it.decider.decide(request).kind, 'allow');
  it.clock.turn(200);
  assert.ok(!grant.isLive());
  const after = it.decider.decide(request);
  assert.deepEqual([after.kind, after.policies], ['deny', ['a.cedar#move']]);
  assert.match(after.reason, /permitted it until 2023-11-14T22:14:00/);
});

test('a policy may look at the time, and is asked again when that is another', () => {
  using it = deciding(`permit (principal, action == Motehost::Action::"invoke", resource)
when { context.now < datetime("2023-11-14T22:14:00Z") };`);
  const request = requestOf('agent:a', 'invoke', 'agent:b');
  assert.equal(it.decider.decide(request).kind, 'allow');
  it.clock.turn(60_000);
  assert.equal(it.decider.decide(request).kind, 'deny');
});

test('what a policy looks at and the request does not say is a denial, and no policy is passed over', () => {
  using it = deciding(`permit (principal, action == Motehost::Action::"bus.publish", resource);
@id("small") forbid (principal, action == Motehost::Action::"bus.publish", resource) when { context.bytes > 100 };`);
  const request = publish('a', 'x');
  const unsaid = it.decider.decide(request);
  assert.deepEqual([unsaid.kind, unsaid.isFailure], ['deny', true]);
  assert.match(unsaid.reason, /says nothing of 'bytes'/);
  assert.equal(it.decider.decide({ ...request, context: { bytes: 100 } }).kind, 'allow');
  assert.equal(it.decider.decide({ ...request, context: { bytes: 101 } }).kind, 'deny');
  for (const bytes of [0.5, Number.NaN, 2 ** 60, '3', true])
    assert.ok(it.decider.decide({ ...request, context: { bytes } }).isFailure, String(bytes));
});

test('a forbid that fails while it is evaluated denies', () => {
  using it = deciding(`permit (principal, action == Motehost::Action::"bus.publish", resource);
@id("sum") forbid (principal, action == Motehost::Action::"bus.publish", resource)
when { context.bytes + 9223372036854775807 < 0 };`);
  const decision = it.decider.decide({ ...publish('a', 'x'), context: { bytes: 5 } });
  assert.deepEqual([decision.kind, decision.policies, decision.isFailure], ['deny', ['a.cedar#sum'], true]);
  assert.match(decision.reason, /overflow/);
});

test('decisions are remembered by what the policies look at, and by nothing else', () => {
  const cached: boolean[] = [];
  using it = deciding(`permit (principal, action == Motehost::Action::"bus.publish", resource)
when { context.bytes < 1000 && !context.labels.contains("pii") };`);
  const decider = new Decider({
    source: it.board,
    clock: it.clock,
    onDecision: (_request, _decision, isCached) => cached.push(isCached),
  });
  const ask = (bytes: number, labels: string[], caller = ''): string =>
    decider.decide({ ...publish('a', 'x'), context: { bytes, labels, caller } }).kind;
  assert.equal(ask(10, []), 'allow');
  assert.equal(ask(999, [], 'somebody'), 'allow');
  assert.equal(ask(1000, []), 'deny');
  assert.equal(ask(1001, []), 'deny');
  assert.equal(ask(10, ['a', 'b']), 'allow');
  assert.equal(ask(10, ['b', 'a']), 'allow');
  assert.equal(ask(10, ['["a","b"]']), 'allow');
  assert.equal(ask(10, ['pii', 'a']), 'deny');
  assert.deepEqual(cached, [false, true, false, false, false, true, false, false]);
  decider.close();
});

test('labels that are none are a denial', () => {
  using it = deciding(`permit (principal, action == Motehost::Action::"invoke", resource)
unless { context.labels.contains("pii") };`);
  const ask = (labels: unknown): Decision =>
    it.decider.decide(
      JSON.parse(JSON.stringify({ ...requestOf('agent:a', 'invoke', 'agent:b'), context: { labels } })),
    );
  assert.equal(ask(['5']).kind, 'allow');
  assert.equal(ask(['a', '5']).kind, 'allow');
  for (const labels of ['pii', [5], ['a', 5], [['pii']], {}, Array.from({ length: 65 }, String)])
    assert.ok(ask(labels).isFailure, JSON.stringify(labels));
});

test('more names and contexts than are remembered are decided all the same', () => {
  using it = deciding(`permit (principal, action == Motehost::Action::"tool.call", resource)
when { resource.name == "a" };
permit (principal, action == Motehost::Action::"invoke", resource) when { context.caller == "alice" };`);
  const ask = (tool: string): string =>
    it.decider.decide(requestOf('agent:a', 'tool.call', `tool:${tool}`)).kind;
  const invoke = (caller: string): string =>
    it.decider.decide(requestOf('agent:a', 'invoke', 'agent:b', { caller })).kind;
  const decided = (): string[] => [ask('a'), ask('b'), invoke('alice'), invoke('bob')];
  assert.deepEqual(decided(), ['allow', 'deny', 'allow', 'deny']);
  const principal = { kind: 'Agent', id: 'a' } as const;
  for (let index = 0; index <= namesMax; index += 1) {
    const resource = { kind: 'Secret', id: `s${index}` } as const;
    assert.equal(it.decider.decide({ principal, action: 'secret.use', resource }).kind, 'deny');
  }
  assert.deepEqual(decided(), ['allow', 'deny', 'allow', 'deny']);
});

test('numbers of names and contexts never stand for two of them', () => {
  const names = new Interned();
  const contexts = new Circumstances();
  const tree: ContextTree = new Map();
  const reads = [
    { name: 'caller', bounds: undefined },
    { name: 'bytes', bounds: [10] },
  ];
  const seen = new Set<number>();
  for (let index = 0; index < circumstancesMax; index += 1)
    seen.add(contexts.idOf(tree, reads, { caller: `c${index}`, bytes: 1 }, 0));
  assert.equal(seen.size, circumstancesMax);
  assert.equal(contexts.idOf(tree, reads, { caller: 'c0', bytes: 9 }, 0), 0);
  assert.equal(contexts.idOf(tree, reads, { caller: 'c0', bytes: 10 }, 0), -1);
  assert.equal(contexts.idOf(tree, reads, { caller: 'more', bytes: 1 }, 0), -1);
  for (let index = 0; index < namesMax; index += 1) names.idOf({ kind: 'Tool', id: `${index}` });
  assert.equal(names.idOf({ kind: 'Tool', id: '7' }), 7);
  assert.equal(names.idOf({ kind: 'Agent', id: '7' }), -1);
});

test('escape: a subscription to a pattern is decided for all that the policies name in it', () => {
  using it = deciding(`permit (principal, action == Motehost::Action::"bus.subscribe", resource);
@id("secret") forbid (principal, action, resource in Motehost::Subject::"orders.secret.>");`);
  const subscribe = (pattern: string): Decision =>
    it.decider.decide(requestOf('agent:a', 'bus.subscribe', `subject:${pattern}`));
  for (const pattern of ['orders.secret.x', 'orders.secret.>', '>', 'orders.>', '*.secret.*', 'orders.*.x'])
    assert.deepEqual(subscribe(pattern).policies, ['a.cedar#secret'], pattern);
  for (const pattern of ['orders.eu', 'orders.*', 'prices.>'])
    assert.equal(subscribe(pattern).kind, 'allow', pattern);
  it.board.publish(
    policySet(`@decision("step-up") permit (principal, action == Motehost::Action::"bus.subscribe", resource);
@id("secret") forbid (principal, action, resource in Motehost::Subject::"orders.secret.>");`),
  );
  assert.equal(subscribe('prices.>').kind, 'step-up');
  assert.equal(subscribe('orders.>').kind, 'deny');
});

test('subjects are in patterns with stars, hosts in domains, data in folders, each whole', () => {
  using it = deciding(`permit (principal, action, resource in Motehost::Subject::"orders.*.created");
permit (principal, action, resource in Motehost::Host::"*.example.com");
permit (principal, action, resource in Motehost::Data::"file:/srv/in");`);
  const kindOf = (action: PolicyRequest['action'], resource: string): string =>
    it.decider.decide(requestOf('agent:a', action, resource)).kind;
  assert.equal(kindOf('bus.publish', 'subject:orders.eu.created'), 'allow');
  assert.equal(kindOf('bus.publish', 'subject:orders.eu.x.created'), 'deny');
  assert.equal(kindOf('socket.connect', 'host:api.example.com:443'), 'allow');
  assert.equal(kindOf('socket.connect', 'host:example.com:443'), 'deny');
  assert.equal(kindOf('socket.connect', 'host:example.com.evil.test:443'), 'deny');
  assert.equal(kindOf('file.read', 'data:file:/srv/in/a/b.csv'), 'allow');
  assert.equal(kindOf('file.read', 'data:file:/srv/in'), 'allow');
  assert.equal(kindOf('file.read', 'data:file:/srv/input/a.csv'), 'deny');
});

test('groups within groups count, and one that is gone does not', () => {
  const group = (id: string, groups: string[]) => ({ kind: 'Group', id, groups, attributes: {} }) as const;
  using it = deciding(
    'permit (principal in Motehost::Group::"all", action == Motehost::Action::"invoke", resource);',
    [group('some', ['all']), agent('a', ['some'])],
  );
  const request = requestOf('agent:a', 'invoke', 'agent:b');
  assert.equal(it.decider.decide(request).kind, 'allow');
  const { rules } = policySet(
    'permit (principal in Motehost::Group::"all", action == Motehost::Action::"invoke", resource);',
  );
  it.board.publish({ rules, entities: [agent('a', ['some'])] });
  assert.equal(it.decider.decide(request).kind, 'deny');
});

test('escape: a name is a name, whatever is written in it', () => {
  using it = deciding(
    `permit (principal == Motehost::Agent::"shop", action == Motehost::Action::"tool.call", resource)
when { resource.name == "files/read" };`,
  );
  for (const name of [
    'shop", action, resource); permit (principal, action, resource); //',
    'shop\\u{0}',
    '*',
    '?principal',
  ]) {
    const principal = { kind: 'Agent', id: name } as const;
    const resource = { kind: 'Tool', id: 'files/read' } as const;
    assert.equal(it.decider.decide({ principal, action: 'tool.call', resource }).kind, 'deny', name);
    const other = { kind: 'Tool', id: name } as const;
    const shopAsks: PolicyRequest = {
      principal: { kind: 'Agent', id: 'shop' },
      action: 'tool.call',
      resource: other,
    };
    assert.equal(it.decider.decide(shopAsks).kind, 'deny', name);
  }
});

test('escape: a context cannot bring entities, calls or attributes of its own', () => {
  using it = deciding(`permit (principal, action == Motehost::Action::"invoke", resource)
when { context.caller == "alice" };`);
  const ask = (caller: unknown): Decision =>
    it.decider.decide({
      ...requestOf('agent:a', 'invoke', 'agent:b'),
      context: JSON.parse(JSON.stringify({ caller })),
    });
  assert.equal(ask('alice').kind, 'allow');
  for (const caller of [
    { __entity: { type: 'Motehost::Principal', id: 'alice' } },
    { __extn: { fn: 'datetime', arg: '2026-01-01' } },
    ['alice'],
    null,
    'a'.repeat(5000),
  ])
    assert.ok(ask(caller).isFailure, JSON.stringify(caller));
  const inherited: PolicyRequest = {
    ...requestOf('agent:a', 'invoke', 'agent:b'),
    context: Object.create({ caller: 'alice' }),
  };
  assert.equal(it.decider.decide(inherited).kind, 'deny');
});

test('escape: the two names of a mailbox are one thing, or none', () => {
  using it = deciding(`permit (principal, action == Motehost::Action::"bus.send", resource);
forbid (principal, action, resource == Motehost::Agent::"vault");`);
  const send = (kind: 'Agent' | 'Subject', id: string): string =>
    it.decider.decide({ principal: { kind: 'Agent', id: 'a' }, action: 'bus.send', resource: { kind, id } })
      .kind;
  assert.deepEqual(
    [send('Agent', 'b'), send('Agent', 'vault'), send('Subject', 'x.vault')],
    ['allow', 'deny', 'allow'],
  );
  assert.deepEqual([send('Subject', 'agent.vault'), send('Subject', 'agent.b')], ['deny', 'deny']);
  const [fault = ''] = policyFaults(
    'forbid (principal, action, resource == Motehost::Subject::"agent.vault");',
  );
  assert.match(fault, /is an agent's mailbox: Motehost::Agent::"vault"/);
});

test('what cannot be asked is denied: a wrong kind, a wrong action, a name that is none', () => {
  using it = deciding('permit (principal, action, resource);');
  const wrong = (request: PolicyRequest): string => it.decider.decide(request).reason;
  const ref = (kind: 'Agent' | 'Tool' | 'Subject' | 'Data', id: string) => ({ kind, id }) as const;
  const a = ref('Agent', 'a');
  assert.match(
    wrong({ principal: ref('Tool', 't'), action: 'invoke', resource: a }),
    /nothing that Tool can ask for/,
  );
  assert.match(
    wrong({ principal: a, action: 'tool.call', resource: a }),
    /nothing that can be done with Agent/,
  );
  assert.match(
    wrong({ principal: a, action: 'bus.publish', resource: ref('Subject', 'a..b') }),
    /empty token/,
  );
  assert.match(
    wrong({ principal: a, action: 'file.read', resource: ref('Data', 'file:/a/../b') }),
    /no empty steps/,
  );
  const action = JSON.parse('"constructor"');
  assert.match(wrong({ principal: a, action, resource: a }), /no action 'constructor'/);
});

test('a Cedar that broke is replaced, and what was prepared is prepared again', () => {
  using it = deciding('permit (principal, action == Motehost::Action::"invoke", resource);');
  assert.equal(it.decider.decide(requestOf('agent:a', 'invoke', 'agent:b')).kind, 'allow');
  const deep = `permit (principal, action, resource) when { ${'('.repeat(3000)}true${')'.repeat(3000)} };`;
  assert.throws(() => cedar.call(({ policyToJson }) => policyToJson(deep)));
  assert.equal(it.decider.decide(requestOf('agent:a', 'invoke', 'agent:c')).kind, 'allow');
  assert.equal(it.decider.decide(requestOf('agent:a', 'agent.start', 'agent:c')).kind, 'deny');
});
