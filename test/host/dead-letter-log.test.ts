import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeadLetter } from '../../host/bus/dead-letters.ts';
import { DeadLetterLog } from '../../host/host/report/dead-letter-log.ts';
import type { LogEntry } from '../../host/telemetry/log-entry.ts';
import { sent } from '../bus/journal-parts.ts';
import { Hosted, localAgent, scribe, temporaryState } from '../support/hosted.ts';

function letter(id: string): DeadLetter {
  const message = sent(id, { subject: 'agent.audit' });
  return {
    message,
    receiver: 'audit',
    guarantee: 'at-least-once',
    reason: 'attempts',
    failure: undefined,
    atMs: 5,
    entry: 0,
  };
}

test('each message that is given up has a line; of a flood the rest is one line when its second is over', () => {
  const lines: LogEntry[] = [];
  let nowMs = 1_000_000;
  const log = new DeadLetterLog(
    (entry) => lines.push(entry),
    () => nowMs,
  );
  for (let count = 1; count <= 50; count += 1) log.note(letter(`m-${count}`));
  assert.equal(lines.length, 20);
  assert.equal(lines[0]?.agent, 'audit');
  assert.equal(lines[0]?.messageId, 'm-1');
  assert.match(lines[0]?.text ?? '', /dead letter: attempts; host dead-letters/);
  nowMs += 999;
  log.look();
  assert.equal(lines.length, 20);
  nowMs += 1;
  log.look();
  log.look();
  assert.match(
    lines
      .slice(20)
      .map(({ text }) => text)
      .join(),
    /^30 more messages are dead letters/,
  );
  log.note(letter('later'));
  assert.equal(lines.at(-1)?.messageId, 'later');
});

test('the operator reads in the log of a host what became a dead letter, and of whose', async (t) => {
  const host = await Hosted.start(t, temporaryState(t), [localAgent('scribe', await scribe())]);
  await host.send('scribe', 'bad words');
  await host.lines.until(/scribe: a message is a dead letter: invalid \(.*bad words.*\); host dead-letters/);
});
