import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BusPass } from '../../host/bus/guest-api.ts';
import { Capabilities } from '../../host/capability/capabilities.ts';
import { bound } from '../../host/host/policy/bounds.ts';
import { Clearance } from '../../host/host/policy/clearance.ts';
import { EffectiveRights } from '../../host/host/policy/effective-rights.ts';
import { redacted } from '../../host/host/policy/redaction.ts';
import { Rates } from '../../host/host/rates.ts';
import { noGrants } from '../../host/manifest.ts';
import { type Condition, parseConditions } from '../../host/policy/condition.ts';
import { denial } from '../../host/policy/decision.ts';
import { HandClock } from '../support/hand-clock.ts';
import { type DecidingBoard, deciding, policySet } from '../support/policies.ts';

const grants = { ...noGrants, bus: { send: ['>'], publish: ['>'], subscribe: ['>'] } };

interface Held {
  readonly rights: EffectiveRights;
  readonly capabilities: Capabilities;
  readonly denials: string[];
}

function clearanceOf({ decider, clock }: DecidingBoard): Clearance {
  const ask = async () => denial('nobody is asked here', decider.versionInForce);
  return new Clearance({ decider, clock, policyFolder: 'policies', ask });
}

function rightsOf(name: string, clearance: Clearance): Held {
  const capabilities = Capabilities.of(grants, 'agent.toml');
  const denials: string[] = [];
  const holder = {
    name,
    capabilities,
    underWay: () => 1,
    asker: () => undefined,
    leftMs: () => 1_000,
    denied: (what: string, why: string) => void denials.push(`${what}: ${why}`),
  };
  return { rights: new EffectiveRights(holder, clearance), capabilities, denials };
}

function publishes({ rights }: Held, subject: string, text = 'x', contentType?: string): string {
  const payload = { contentType, headers: [], body: new TextEncoder().encode(text) };
  const pass = rights.passes('publish', subject, payload) as BusPass | undefined;
  return pass === undefined ? 'denied' : new TextDecoder().decode(pass.payload.body);
}

const shops = (what: string, id = 'it', more = ''): string =>
  `@id("${id}") ${more} permit (principal == Motehost::Agent::"shop", action == Motehost::Action::"bus.publish", ${what});`;
const orders = 'resource in Motehost::Subject::"orders.>"';

test('a right that was remembered is none for another agent, after a change, or after the grants were revoked', () => {
  using board = deciding(shops(orders));
  const clearance = clearanceOf(board);
  const shop = rightsOf('shop', clearance);
  const thief = rightsOf('thief', clearance);
  for (const _ of [1, 2]) assert.equal(publishes(shop, 'orders.eu'), 'x');
  assert.equal(publishes(thief, 'orders.eu'), 'denied');
  board.board.publish(policySet(''));
  assert.equal(publishes(shop, 'orders.eu'), 'denied');
  board.board.publish(policySet(shops(orders)));
  assert.equal(publishes(shop, 'orders.eu'), 'x');
  assert.equal(shop.rights.mayPublish('orders.eu'), true);
  shop.capabilities.revoke();
  assert.equal(shop.rights.mayPublish('orders.eu'), false, 'as after an upgrade');
});

test('names of one kind are none of another: an agent is no caller, a mailbox no subject', () => {
  using board = deciding(
    `permit (principal == Motehost::Principal::"shop", action, resource);
     permit (principal == Motehost::Agent::"shop", action == Motehost::Action::"bus.send", resource is Motehost::Subject);`,
  );
  const shop = rightsOf('shop', clearanceOf(board));
  const payload = { contentType: undefined, headers: [], body: new Uint8Array(0) };
  assert.equal(publishes(shop, 'orders.eu'), 'denied');
  assert.ok(shop.rights.passes('request', 'orders.eu', payload));
  assert.equal(shop.rights.passes('send', 'agent.billing', payload), undefined);
  assert.throws(() => policySet(shops('resource == Motehost::Subject::"agent.billing"')), /mailbox/);
});

test('a right for a time ends with it, and one for some sizes is for those', () => {
  using board = deciding(
    `${shops(orders, 'short', '@conditions("until 2023-11-14T22:13:30Z")')}
     permit (principal == Motehost::Agent::"shop", action == Motehost::Action::"bus.publish", resource in Motehost::Subject::"small.>")
     when { context.bytes <= 2 };`,
  );
  const shop = rightsOf('shop', clearanceOf(board));
  assert.equal(publishes(shop, 'small.a', 'xx'), 'xx');
  assert.equal(publishes(shop, 'small.a', 'xxx'), 'denied');
  assert.equal(publishes(shop, 'small.a', 'xx'), 'xx');
  board.clock.turn(5_000);
  assert.equal(publishes(shop, 'orders.eu'), 'x');
  board.clock.turn(10_000);
  assert.equal(publishes(shop, 'orders.eu'), 'denied');
});

test('conditions: sizes, rates, redaction; what cannot be held to is denied', () => {
  const of = (what: string, conditions: string): string =>
    shops(`resource in Motehost::Subject::"${what}.>"`, what, `@conditions("${conditions}")`);
  using board = deciding(
    [
      of('size', 'max-bytes 2'),
      of('often', 'rate 2/s'),
      of('json', 'redact card.number'),
      of('sealed', 'seal'),
      of('tight', 'max-fuel 10'),
    ].join('\n'),
  );
  const shop = rightsOf('shop', clearanceOf(board));
  assert.deepEqual([publishes(shop, 'size.a', 'xx'), publishes(shop, 'size.a', 'xxx')], ['xx', 'denied']);
  const three = [1, 2, 3].map(() => publishes(shop, 'often.a'));
  assert.deepEqual(three, ['x', 'x', 'denied']);
  const text = '{"card":{"number":"4111","year":30},"cards":[]}';
  assert.equal(publishes(shop, 'json.a', text, 'application/json'), '{"card":{"year":30},"cards":[]}');
  assert.equal(publishes(shop, 'json.a', text), 'denied');
  assert.equal(publishes(shop, 'json.a', '{', 'application/json'), 'denied');
  assert.deepEqual([publishes(shop, 'sealed.a'), publishes(shop, 'tight.a')], ['denied', 'denied']);
  assert.match(shop.denials.join('\n'), /a\.cedar#size: it has 3 bytes, max-bytes is 2/);
  assert.match(shop.denials.join('\n'), /a\.cedar#sealed: this host cannot hold it to 'seal'/);
});

test('a rate is never exceeded in any span, for few and for many', () => {
  for (const count of [1, 3, 1024, 5000]) {
    const clock = new HandClock();
    const rates = new Rates(clock);
    const condition = { kind: 'rate', count, perMs: 1000 } as const;
    const taken: number[] = [];
    for (let step = 0; step < 4000; step += 1) {
      for (let tries = 0; tries <= count / 100; tries += 1)
        if (rates.take('a', condition)) taken.push(clock.monotonicMs());
      clock.turn(1);
    }
    for (const [at, first] of taken.entries())
      assert.ok((taken[at + count] ?? Number.POSITIVE_INFINITY) - first >= 1000, `${count}`);
    assert.ok(taken.length >= count * 3, `${taken.length} of ${count * 4}`);
  }
});

test('redaction reaches into lists, and leaves what only looks alike', () => {
  const body = new TextEncoder().encode('{"a":[{"b":1,"c":2},{"b":[3]}],"b":4,"a.b":5}');
  const payload = redacted({ contentType: 'application/vnd.x+json; charset=utf-8', headers: [], body }, [
    'a.b',
  ]);
  assert.equal(new TextDecoder().decode(payload?.body), '{"a":[{"c":2},{}],"b":4,"a.b":5}');
});

test('every condition is either held to or denies', () => {
  const text =
    'max-bytes 1; rate 1/s; redact a; until 2030-01-01; seal; sign; max-fuel 1; max-memory 1; deadline 1 ms; tier gvisor; read-only';
  const conditions = parseConditions(text) as readonly Condition[];
  const held = conditions.filter((condition) => typeof bound({}, [condition]) !== 'string');
  assert.deepEqual(held.map(({ kind }) => kind).sort(), ['rate', 'until']);
});
