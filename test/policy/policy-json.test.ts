import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../host/clock.ts';
import { Compiler } from '../../host/policy/compile.ts';
import { Decider } from '../../host/policy/decider.ts';
import { faultText } from '../../host/policy/place.ts';
import { Policies } from '../../host/policy/policies.ts';

const all = { op: 'All' };
const send = { op: '==', entity: { type: 'Motehost::Action', id: 'bus.send' } };
const shop = { op: '==', entity: { type: 'Motehost::Agent', id: 'shop' } };
const permit = { effect: 'permit', principal: shop, action: send, resource: all, conditions: [] };
const small = {
  kind: 'when',
  body: { '<': { left: { '.': { left: { Var: 'context' }, attr: 'bytes' } }, right: { Value: 10 } } },
};

function compiled(text: string): ReturnType<Compiler['compile']> {
  return new Compiler().compile([{ name: 'a.cedar.json', text }]);
}

function idsOf(json: unknown): readonly string[] {
  const { set, faults } = compiled(JSON.stringify(json, null, 1));
  assert.deepEqual(faults.map(faultText), []);
  return set?.rules.map(({ id, line, effect, kind }) => `${id}:${line} ${effect} ${kind}`) ?? [];
}

test('a policy, a list of them and a policy set in JSON are policies as those in text are', () => {
  assert.deepEqual(idsOf(permit), ['a.cedar.json#1:1 permit allow']);
  const named = { ...permit, annotations: { id: 'named', decision: 'step-up' } };
  const forbid = { ...permit, effect: 'forbid', conditions: [small] };
  assert.deepEqual(idsOf([named, forbid]), [
    'a.cedar.json#named:1 permit step-up',
    'a.cedar.json#2:1 forbid deny',
  ]);
  const set = { staticPolicies: { first: named, second: forbid }, templates: {}, templateLinks: [] };
  assert.deepEqual(idsOf(set), ['a.cedar.json#named:3 permit step-up', 'a.cedar.json#second:28 forbid deny']);
});

test('what is wrong with them is told, and refuses all', () => {
  const one = (json: unknown): string => {
    const { set, faults } = compiled(typeof json === 'string' ? json : JSON.stringify(json));
    assert.equal(set, undefined);
    return faults.map(faultText).join('\n');
  };
  const deep = JSON.stringify(permit).replace(
    '"conditions":[]',
    `"conditions":${'['.repeat(200)}${']'.repeat(200)}`,
  );
  const cases: readonly (readonly [unknown, RegExp])[] = [
    ['{', /^a\.cedar\.json:1:1: not JSON: /],
    ['7', /neither a policy, nor a list of them, nor a policy set/],
    [['permit (principal, action, resource);'], /a policy in JSON is an object/],
    [deep, /more than 100 brackets within each other/],
    [{ ...permit, effct: 'permit' }, /unknown field `effct`/],
    [{ ...permit, annotations: { audit: 'everything' } }, /@audit: 'everything' is none of/],
    [{ ...permit, annotations: { audti: 'all' } }, /unknown annotation @audti, did you mean 'audit'\?/],
    [
      { ...permit, action: { ...send, entity: { type: 'Motehost::Action', id: 'bus.sned' } } },
      /unrecognized action/,
    ],
    [{ ...permit, principal: { op: '==', slot: '?principal' } }, /slot|template/],
    [{ staticPolicies: {}, templates: { a: permit } }, /it has templates; write what they stand for/],
    [{ staticPolicies: {}, policies: {} }, /unknown key 'policies'/],
  ];
  for (const [json, says] of cases) assert.match(one(json), says);
});

test('escape: of two keys of one name none is passed over in silence', () => {
  const forbid = JSON.stringify({ ...permit, effect: 'forbid' });
  const twice = `{"staticPolicies": {"x": ${forbid}, "x": ${JSON.stringify(permit)}}}`;
  for (const text of [twice, forbid.replace('"effect":"forbid"', '"effect":"forbid","effect":"permit"')]) {
    const { set, faults } = compiled(text);
    assert.deepEqual(
      [set, faults.map(({ message }) => message)],
      [undefined, ['two keys of one name in one place: one of them would not count']],
    );
  }
});

function decides(t: TestContext, files: Readonly<Record<string, string>>, bytes: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'motehost-policy-json-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const policies = new Policies(folder);
  policies.load();
  const { board } = policies;
  const decider = new Decider({ source: board, clock: systemClock });
  const decision = decider.decide({
    principal: { kind: 'Agent', id: 'shop' },
    action: 'bus.send',
    resource: { kind: 'Agent', id: 'store' },
    context: { bytes },
  });
  decider.close();
  return `${decision.kind} ${decision.policies.join()}`;
}

test('in a folder they decide beside the others: a forbid in JSON beats a permit in text', (t) => {
  const text = 'permit (principal, action == Motehost::Action::"bus.send", resource);';
  const files = {
    'a.cedar': text,
    'b.cedar.json': JSON.stringify({ ...permit, effect: 'forbid', conditions: [small] }),
  };
  assert.equal(decides(t, files, 100), 'allow a.cedar#1');
  assert.equal(decides(t, files, 5), 'deny b.cedar.json#1');
  assert.equal(decides(t, { 'b.cedar.json': JSON.stringify(permit) }, 5), 'allow b.cedar.json#1');
});
