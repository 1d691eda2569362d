import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Compiler } from '../../host/policy/compile.ts';
import { faultText } from '../../host/policy/place.ts';
import { policyFaults, policySet } from '../support/policies.ts';

test('a policy is known by its file and its name or place, with what it decides', () => {
  const { rules } = policySet(`// Ünïcödé before it moves no place
@id("send") @conditions("max-bytes 1 KiB; rate 10/s") @audit("payload") @reason("it is small")
permit (principal, action == Motehost::Action::"bus.send", resource);
forbid (principal, action in Motehost::Action::"network", resource);`);
  const said = rules.map(({ id, line, kind, actions, audit, reason }) => ({
    id,
    line,
    kind,
    actions,
    audit,
    reason,
  }));
  assert.deepEqual(said, [
    {
      id: 'a.cedar#send',
      line: 2,
      kind: 'conditions',
      actions: ['bus.send'],
      audit: 'payload',
      reason: 'it is small',
    },
    {
      id: 'a.cedar#2',
      line: 4,
      kind: 'deny',
      actions: ['http.request', 'socket.connect'],
      audit: undefined,
      reason: undefined,
    },
  ]);
});

test('what is wrong is told with file, line, column and the cure', () => {
  const one = (text: string): string => policyFaults(text).join('\n');
  assert.match(
    one(
      '// ä\npermit (principal, action == Motehost::Action::"bus.send", resource)\n  when { context.byts < 3 };',
    ),
    /^a\.cedar:3:10: attribute `byts` in context .* not found; did you mean `bytes`\?$/,
  );
  assert.match(
    one('permit (principal action, resource);'),
    /^a\.cedar:1:19: unexpected token `action`; expected /,
  );
  assert.match(
    one('permit (principal, action == Motehost::Action::"bus.sned", resource);'),
    /^a\.cedar:1:30: unrecognized action .*; did you mean 'bus\.send'\?$/,
  );
  assert.match(one('permit (principal == ?principal, action, resource);'), /a\.cedar:1:\d+: .*template/);
  assert.match(one('permit (principal, action, resource)'), /a\.cedar:1:37: unexpected end of input/);
});

test('an annotation or condition that nobody knows is a fault, for it may have been meant to bind', () => {
  const permit = 'permit (principal, action, resource);';
  const cases: [string, RegExp][] = [
    [`@condition("seal") ${permit}`, /:1:1: unknown annotation @condition, did you mean 'conditions'\?/],
    [`@conditions("seel") ${permit}`, /@conditions: unknown condition 'seel', did you mean 'seal'\?/],
    [`@conditions("rate many") ${permit}`, /'rate many' is no condition; write for example 'rate 10\/s'/],
    [`@conditions("until 2026-12-31T18:00") ${permit}`, /write for example 'until 2026-12-31T18:00:00Z'/],
    [`@conditions("") ${permit}`, /@conditions needs a value/],
    [`@conditions ${permit}`, /@conditions needs a value/],
    [`@decision("allow") ${permit}`, /@decision: 'allow' is neither "step-up" nor "defer"/],
    [
      `@audit("everything") ${permit}`,
      /@audit: 'everything' is none of "none", "digest", "messages", "all", "payload"/,
    ],
    [`@id("a b") ${permit}`, /@id: 'a b' is no name/],
    ['@decision("step-up") forbid (principal, action, resource);', /@decision is for what permits/],
    [`@id("x") ${permit}\n@id("x") ${permit}`, /^a\.cedar:2:1: another 'a\.cedar#x' is on line 1$/],
  ];
  for (const [text, expected] of cases) assert.match(policyFaults(text).join('\n'), expected, text);
});

test('one bad policy refuses all of them', () => {
  const good = { name: 'good.cedar', text: 'permit (principal, action, resource);' };
  const compiler = new Compiler();
  assert.equal(compiler.compile([good]).set?.rules.length, 1);
  const { set, faults } = compiler.compile([good, { name: 'bad.cedar', text: 'nonsense' }]);
  assert.equal(set, undefined);
  assert.match(faults.map(faultText).join(), /^bad\.cedar:1:9: /);
});

test('a policy that can never apply is refused: a forbid like that would protect nothing', () => {
  const never = [
    'forbid (principal, action == Motehost::Action::"bus.publish", resource is Motehost::Agent);',
    'forbid (principal is Motehost::Group, action, resource);',
    'forbid (principal, action == Motehost::Action::"bus.send", resource) when { context.bytes < 3 && false };',
  ];
  for (const text of never)
    assert.match(policyFaults(text).join(), /a\.cedar:1:1: .*(applicable|impossible)/, text);
  const names: [string, string][] = [
    ['resource in Motehost::Subject::"orders..eu"', 'Subject::"orders..eu" is nothing there can be'],
    ['resource == Motehost::Host::"API.example.com:443"', 'is nothing there can be'],
    ['resource in Motehost::Data::"/srv/in"', 'data begins with what it is'],
    ['resource in Motehost::Data::"file:/srv/../etc"', 'a path has no empty steps'],
  ];
  for (const [scope, expected] of names) {
    const fault = policyFaults(`forbid (principal, action, ${scope});`).join();
    assert.ok(fault.includes(expected), fault);
  }
});

test('escape: names of another namespace, or of none, are refused rather than never met', () => {
  for (const text of [
    'forbid (principal == Agent::"shop", action, resource);',
    'forbid (principal, action == Action::"bus.send", resource);',
    'forbid (principal, action == Symbi::Action::"bus.send", resource);',
    'forbid (principal == Motehost::agent::"shop", action, resource);',
    'forbid (principal, action == Motehost::Action::"BUS.SEND", resource);',
    'forbid (principal is motehost::Agent, action, resource);',
  ])
    assert.match(policyFaults(text).join(), /unrecognized (entity type|action)/, text);
});

test('escape: text that turns the reading direction or mixes alphabets is refused', () => {
  const when = (name: string): string =>
    `permit (principal, action == Motehost::Action::"tool.call", resource) when { resource.name == "${name}" };`;
  assert.match(policyFaults(when('a\u202eb')).join(), /BIDI control characters/);
  assert.match(policyFaults(when('sc\u0430pe')).join(), /mixed scripts/);
  assert.deepEqual(policyFaults(when('scape')), []);
});

test('escape: a text that is deep or long is refused before Cedar recurses into it', () => {
  const when = (expression: string): string => `permit (principal, action, resource) when { ${expression} };`;
  const chain = (count: number, word: string): string =>
    Array.from({ length: count }, () => word).join(' && ');
  const reads = 'principal is Motehost::Agent';
  const cases: [string, RegExp][] = [
    [when(`${'('.repeat(5000)}true${')'.repeat(5000)}`), /more than 64 brackets within each other/],
    [when(`${'['.repeat(100)}1${']'.repeat(100)}.isEmpty()`), /more than 64 brackets/],
    [when(`${'if true then true else '.repeat(100)}true`), /more than 64 times 'if'/],
    [when(chain(500, reads)), /an expression deeper than 100 levels/],
    [when(`"${'a'.repeat(20_000)}" == "b"`), /a policy of more than 16384 characters/],
    [`// ${'a'.repeat(20_000)}`, /a policy of more than 16384 characters/],
  ];
  for (const [text, expected] of cases) assert.match(policyFaults(text).join(), expected);
  assert.deepEqual(policyFaults(when(chain(90, reads))), []);
});

test('a semicolon or a bracket in a text or a comment ends nothing', () => {
  const { rules } = policySet(`
// not the end; not ( a bracket
permit (principal, action == Motehost::Action::"tool.call", resource)
when { resource.name != "a;\\"b)" }; // and so on;
// the end`);
  assert.equal(rules.length, 1);
});

test('what was valid before is valid again, and what was wrong is told again', () => {
  const compiler = new Compiler();
  const files = (text: string) => [{ name: 'a.cedar', text }];
  const bad = 'permit (principal, action, resource) when { context.x };';
  const first = compiler.compile(files(bad)).faults;
  assert.equal(first.length, 1);
  assert.deepEqual(compiler.compile(files(bad)).faults, first);
  const [moved] = compiler.compile(files(`\n\n${bad}`)).faults;
  assert.equal(moved?.line, 3);
});
