import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  deliveriesMax,
  type FailurePlace,
  failureKindOf,
  hopsMax,
  mayFailOver,
  restartsAfter,
  stepAt,
} from '../../host/agent/error-strategy.ts';
import { HostError } from '../../host/errors.ts';
import { type ErrorRules, type ErrorStep, parseManifest } from '../../host/manifest.ts';
import type { Outcome } from '../../host/outcome.ts';
import { failed, usage } from '../support/buses.ts';

const trap: Outcome = { kind: 'trap', trap: 'unreachable', message: '', usage };
const late: Outcome = { kind: 'limit', limit: 'deadlineMs', max: 1, used: 2, usage };
const fuel: Outcome = { kind: 'limit', limit: 'fuelMax', max: 1n, used: 2n, usage };
const denied: Outcome = { kind: 'denied', reason: 'files', usage };
const gone: Outcome = { kind: 'cancelled', reason: 'the asker gave up', usage };
const done: Outcome = { kind: 'ok', value: undefined, usage };
const answered = (tag: 'invalid' | 'denied' | 'unavailable' | 'other'): Outcome => failed({ tag, val: '' });

const kinds: readonly (readonly [Outcome, FailurePlace, boolean, string | undefined])[] = [
  [trap, 'handler', false, 'trap'],
  [trap, 'handler', true, 'trap'],
  [trap, 'start', false, 'start'],
  [fuel, 'handler', false, 'limit'],
  [fuel, 'start', false, 'start'],
  [late, 'handler', false, 'limit'],
  [answered('unavailable'), 'handler', false, 'error'],
  [answered('other'), 'handler', false, 'error'],
  [{ kind: 'error', exitCode: 3, usage }, 'handler', false, 'error'],
  [denied, 'handler', false, 'denied'],
  [answered('denied'), 'handler', false, 'denied'],
  // Not the agent's doing.
  [answered('invalid'), 'handler', false, undefined],
  [late, 'handler', true, undefined],
  [late, 'start', true, undefined],
  [gone, 'handler', false, undefined],
  [gone, 'start', false, undefined],
  [answered('unavailable'), 'host', false, undefined],
  [done, 'handler', false, undefined],
];

for (const [outcome, place, isLate, expected] of kinds) {
  const what = `${outcome.kind} in the ${place}${isLate ? ', the asker being out of time' : ''}`;
  test(`${what} is ${expected ?? 'no failure of the agent'}: ${JSON.stringify('failure' in outcome ? outcome.failure : '')}`, () => {
    assert.equal(failureKindOf({ outcome, place, isLate }), expected);
  });
}

function rulesOf(toml: string, more = ''): ErrorRules {
  return parseManifest(`name = "billing"\nworld = "handler"\n[errors]\n${toml}\n${more}`, 'agent.toml')
    .errors;
}

function stepsOf(list: string): readonly ErrorStep[] {
  return rulesOf(`trap = ${list}`).steps.trap ?? [];
}

const lists: readonly (readonly [list: string, after: readonly string[]])[] = [
  ['"none"', ['none', 'none']],
  ['"manual"', ['manual', 'manual']],
  ['"restart"', ['restart', 'end', 'end']],
  ['"retry"', ['retry', 'retry', 'retry', 'retry', 'end']],
  ['"retry:2"', ['retry', 'retry', 'end']],
  ['{ retry = 2 }', ['retry', 'retry', 'end']],
  ['["restart", "failover:spare", "manual"]', ['restart', 'failover', 'failover']],
  ['["restart", "retry:2", "terminate"]', ['restart', 'retry', 'retry', 'terminate', 'terminate']],
  ['["restart", "restart", { failover = "spare" }]', ['restart', 'restart', 'failover']],
];

for (const [list, expected] of lists)
  test(`${list}: what the first failures of a message lead to`, () => {
    const steps = stepsOf(list);
    const after = expected.map((_, at) => steps[stepAt(steps, at + 1, 4)]?.kind ?? 'end');
    assert.deepEqual(after, expected);
  });

test('a kind that is not named has the default, and without one no steps', () => {
  const rules = rulesOf('default = "manual"\nerror = ["retry:1", "none"]');
  const words = Object.entries(rules.steps).map(
    ([kind, steps]) => `${kind}: ${steps.map((one) => one.kind)}`,
  );
  assert.deepEqual(words, [
    'trap: manual',
    'limit: manual',
    'error: retry,none',
    'denied: manual',
    'start: manual',
  ]);
  assert.deepEqual(rulesOf('').steps, {});
  assert.equal(rulesOf('').state, 'clean');
});

test('only a restart after an error takes an instance along that answered in good order', () => {
  const rules = rulesOf('default = "restart"');
  assert.equal(restartsAfter(rules, answered('other'), 1, 4), true);
  assert.equal(restartsAfter(rules, answered('other'), 2, 4), false, 'the restart is used up');
  assert.equal(restartsAfter(rules, answered('invalid'), 1, 4), false);
  assert.equal(restartsAfter(rules, done, 1, 4), false);
  assert.equal(restartsAfter(rulesOf('default = "retry"'), answered('other'), 1, 4), false);
});

test('deliveries of one message are bounded by its longest list', () => {
  assert.equal(deliveriesMax(rulesOf(''), 5), 5);
  assert.equal(deliveriesMax(rulesOf('trap = ["restart", "retry:7", "manual"]'), 5), 9);
  assert.equal(deliveriesMax(rulesOf('trap = "retry"\nlimit = "none"'), 5), 5);
});

test('a message goes to another agent, but not in a circle and not without end', () => {
  assert.equal(mayFailOver([], 'a', 'b'), true);
  assert.equal(mayFailOver(['a'], 'b', 'c'), true);
  assert.equal(mayFailOver([], 'a', 'a'), false);
  assert.equal(mayFailOver(['a'], 'b', 'a'), false);
  const path = Array.from({ length: hopsMax }, (_, at) => `a${at}`);
  assert.equal(mayFailOver(path.slice(1), 'b', 'c'), true);
  assert.equal(mayFailOver(path, 'b', 'c'), false);
});

const wrong: readonly (readonly [toml: string, pattern: RegExp])[] = [
  ['trpa = "retry"', /unknown key 'trpa', did you mean 'trap'\?/],
  ['trap = "retyr"', /errors\.trap must be one of "retry", "restart"/],
  ['trap = []', /errors\.trap must be 1 to 8 strategies/],
  ['trap = ["manual", "retry"]', /errors\.trap must be a list that ends with "manual"/],
  ['trap = "failover"', /errors\.trap must be one of/],
  ['trap = "failover:Spare"', /errors\.trap must be one of/],
  ['trap = "failover:billing"', /errors\.trap must be another agent/],
  ['trap = { failover = "a", retry = 1 }', /errors\.trap must be one of/],
  ['trap = { retry = 0 }', /errors\.trap must be one of/],
  ['trap = { retry = 1001 }', /errors\.trap must be one of/],
  ['trap = "retry:"', /errors\.trap must be one of/],
  ['trap = 5', /errors\.trap must be one of/],
  ['state = "warm"', /errors\.state must be one of: "clean", "saved"/],
  ['trap = "restart"\n[restart]\npolicy = "never"', /errors must be without retry and restart/],
];

for (const [toml, pattern] of wrong)
  test(`a manifest is refused that says ${JSON.stringify(toml)}`, () => {
    assert.throws(
      () => rulesOf(toml),
      (thrown) =>
        thrown instanceof HostError &&
        thrown.code === 'HOST_ERR_CONFIG_INVALID' &&
        pattern.test(thrown.message),
    );
  });
