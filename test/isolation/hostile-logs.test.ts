import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bounded,
  charsOf,
  fieldCharsMax,
  fieldsMax,
  type LogEntry,
  textCharsMax,
} from '../../host/telemetry/log-entry.ts';
import { LogHub } from '../../host/telemetry/log-hub.ts';
import { LogOutbox } from '../../host/telemetry/log-outbox.ts';

// An agent's output limit is for one message. What is kept of its log lasts longer than that, on the main thread.

const entry = (text: string, fields: LogEntry['fields'] = []): LogEntry => ({
  atMs: 0,
  level: 'info',
  agent: 'evil',
  messageId: undefined,
  text,
  fields,
});

test('a line of megabytes is kept as its beginning, and says how much is missing', () => {
  const kept = bounded(entry('a'.repeat(60_000_000)));
  assert.equal(kept.text, `${'a'.repeat(textCharsMax)} … ${60_000_000 - textCharsMax} more characters`);
  const half = bounded(entry(`${'a'.repeat(textCharsMax - 1)}\u{1f600}`)).text;
  assert.ok(half.isWellFormed(), 'no half of a pair');
});

test('fields too many or too long are cut too, and what fits is left as it is', () => {
  const many = Array.from({ length: 1_000_000 }, () => ({ name: '', value: '' }));
  const kept = bounded(entry('f', many));
  assert.deepEqual([kept.fields.length, kept.text], [fieldsMax, `f … ${1_000_000 - fieldsMax} more fields`]);
  const [long] = bounded(entry('f', [{ name: 'n', value: 'v'.repeat(1_000_000) }])).fields;
  assert.ok((long?.value.length ?? 0) < fieldCharsMax + 40);
  const plain = entry('f', [{ name: 'n', value: 'v' }]);
  assert.equal(bounded(plain), plain);
});

test('lines that come at once reach the main thread up to a bound, and the rest as their number', async () => {
  const posted = Promise.withResolvers<readonly LogEntry[]>();
  const outbox = new LogOutbox(posted.resolve, () => 0);
  for (let count = 0; count < 2_000; count += 1) outbox.write(entry('a'.repeat(textCharsMax)));
  const entries = await posted.promise;
  assert.ok(entries.reduce((sum, one) => sum + charsOf(one), 0) < 5 * 1024 * 1024);
  const [lost] = entries.slice(-1);
  assert.match(lost?.text ?? '', new RegExp(`^${2_000 - (entries.length - 1)} log lines were lost`));
});

test('the lines that are kept are bounded in all, oldest first', () => {
  const hub = new LogHub(100, 10_000);
  hub.write(entry('first'));
  for (let count = 0; count < 50; count += 1) hub.write(entry('a'.repeat(900)));
  hub.write(entry('last'));
  const kept = hub.recent({}, 100);
  assert.ok(kept.reduce((sum, one) => sum + charsOf(one), 0) <= 10_000);
  assert.deepEqual(
    [kept.length, kept.at(-1)?.text, kept.some(({ text }) => text === 'first')],
    [11, 'last', false],
  );
  for (let count = 0; count < 250; count += 1) hub.write(entry(`${count}`));
  assert.deepEqual(
    hub.recent({}, 1_000).map(({ text }) => text),
    Array.from({ length: 100 }, (_, at) => `${150 + at}`),
  );
});
