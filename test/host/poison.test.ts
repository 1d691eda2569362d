import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JournalEntry } from '../../host/bus/journal/journal.ts';
import { openState } from '../../host/host/state/state-folder.ts';
import { countTried } from '../../host/host/thread/mail.ts';
import { frailAgent } from '../support/frail-agent.ts';
import { Hosted, localAgent, temporaryState } from '../support/hosted.ts';

// A message that takes the whole host along does not do so for ever.

function entry(sequence: number, receiver: string, attempt: number): JournalEntry {
  const body = new Uint8Array(0);
  const message = {
    ...{ id: `m${sequence}`, subject: `agent.${receiver}`, sender: undefined, replyTo: undefined },
    ...{ sentAtNs: 0n, deadlineNs: undefined, attempt, contentType: undefined, headers: [], body },
  };
  return { sequence, message, receiver, guarantee: 'at-least-once' };
}

test('of each receiver that was cut off the first message counts as tried, and no other', () => {
  const pending = [entry(1, 'a', 1), entry(2, 'a', 1), entry(3, 'b', 3), entry(4, 'c', 1), entry(5, 'b', 1)];
  assert.deepEqual(
    countTried(pending, (receiver) => receiver !== 'c').map(({ message }) => message.attempt),
    [2, 1, 4, 1, 1],
  );
});

test('a run that was cut off is known as such until the next one is at what it left', (t) => {
  const folder = temporaryState(t);
  const runs: boolean[] = [];
  for (const end of ['close', 'cut', 'unbegun', 'close', 'close'] as const) {
    const state = openState(folder);
    runs.push(state.wasCutOff);
    if (end !== 'unbegun') state.begin();
    // A copy of its mark outlives what ends in good order.
    state.close();
    if (end === 'cut') {
      const again = openState(folder);
      again.begin();
      again.abandon();
    }
  }
  assert.deepEqual(runs, [false, false, true, true, false]);
});

test('what was under way each time the host was cut off is a dead letter, what waited behind it is not', async (t) => {
  const folder = temporaryState(t);
  const component = await frailAgent('billing');
  const toml = '[delivery]\nattempts = 3\nbackoff = "1h"\nbackoff-max = "1h"\n';
  const start = () => Hosted.start(t, folder, [localAgent('billing', component, toml)]);
  const first = await start();
  await first.send('billing', 'spin 9');
  await first.lines.until(/seen spin 9/);
  await first.send('billing', 'hello');
  await first.close(0);
  for (const attempt of [2, 3]) {
    cutOff(folder);
    const host = await start();
    await host.lines.until(new RegExp(`seen spin 9, attempt ${attempt}`));
    await host.close(0);
  }
  cutOff(folder);
  const last = await start();
  await last.lines.until(/seen hello, attempt 1/);
  const letters = await last.serving.deadLetters(10);
  assert.deepEqual(
    letters.map(({ reason, message }) => [reason, new TextDecoder().decode(message.body)]),
    [['attempts', 'spin 9']],
  );
});

/** Leaves a folder as a host that was killed does. */
function cutOff(folder: string): void {
  const state = openState(folder);
  state.begin();
  state.abandon();
}
