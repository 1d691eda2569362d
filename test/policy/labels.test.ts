import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentLabels, carried, flowDenial, isLabel, unheld } from '../../host/policy/labels.ts';

test('what a message carries reaches who holds it, and nobody else', () => {
  const message = carried(agentLabels(['pii', 'card']), ['draft']);
  assert.deepEqual(message, ['card', 'draft', 'pii']);
  assert.equal(flowDenial(message, agentLabels(['pii', 'card', 'draft', 'more']), 1), undefined);
  assert.deepEqual(unheld(message, agentLabels(['pii'])), ['card', 'draft']);
  const denied = flowDenial(message, agentLabels(['pii']), 7);
  assert.deepEqual([denied?.kind, denied?.version], ['deny', 7]);
  assert.match(denied?.reason ?? '', /it carries card, draft, which its receiver does not hold/);
});

test('what an agent holds it carries, unless it says what it carries', () => {
  assert.deepEqual(carried(agentLabels(['pii'])), ['pii']);
  assert.deepEqual(carried(agentLabels(['pii'], [])), []);
  assert.equal(flowDenial([], agentLabels([]), 1), undefined);
});

test('a label is one word', () => {
  for (const label of ['pii', 'card-2']) assert.ok(isLabel(label), label);
  for (const label of ['', 'PII', '2x', 'a b', 'a'.repeat(64), 'a\n']) assert.ok(!isLabel(label), label);
});
