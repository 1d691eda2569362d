import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ParkingHost, textOf } from '../support/parking-host.ts';

// Agents that are paused while a call of theirs waits, with nothing on a stack.

const options = { timeout: 60_000 };
const stay = '[hibernate]\nafter = "never"\n';

async function furnished(): Promise<ParkingHost> {
  const host = await ParkingHost.start({ limits: { deadlineMs: 60_000 } });
  await host.furnish();
  return host;
}

test('an agent that waits is paused: the answer waits for it, in memory and out of it', options, async () => {
  await using host = await furnished();
  await host.installAsker('here', stay);
  await host.installAsker('gone');
  const turns: string[] = [];
  host.serving.subscribe('host.agent.gone.state', undefined, ({ body }) => {
    const { from, to } = JSON.parse(new TextDecoder().decode(body)) as Record<string, string>;
    turns.push(`${from} > ${to}`);
  });
  const asked = ['here', 'gone'].map((name) => host.ask(name, 'hello slow'));
  await host.until('parked', 1);
  const [here, gone] = ['here', 'gone'].map((name) => host.serving.handle(name));
  assert.ok(here !== undefined && gone !== undefined);
  assert.equal(await here.state(), 'waiting');
  assert.equal(await gone.state(), 'waiting');
  await Promise.all([here.pause(), gone.pause()]);
  await host.ask('door', 'open');
  // The slow one has answered as soon as another is answered that asked after them.
  assert.equal(await host.ask('slow', 'x'), 'x!');
  await Promise.all([here, gone].map(async (agent) => assert.equal((await agent.metrics()).handled, 0)));
  assert.equal(await gone.state(), 'suspended');
  await Promise.all([here.resume(), gone.resume()]);
  assert.deepEqual(await Promise.all(asked), ['hello: hello!', 'hello: hello!']);
  await gone.wait({ states: ['ready'] });
  const known = turns.join(', ');
  assert.match(known, /running > waiting, waiting > suspended, suspended > waiting, waiting > running/);
});

test('an agent that waits and is paused can be killed, and its deadline does not run', options, async () => {
  await using host = await furnished();
  await host.installAsker('asker', `[hibernate]\nafter = "1ms"\n[limits]\ndeadline = "1s"\n`);
  const asker = host.serving.handle('asker');
  const asked = host.tell('asker', 'sleep 900');
  await host.until('parked', 1);
  await asker.pause();
  // Longer than its deadline: were it to run, the call would have ended.
  await host.ask('slow', 'a', { deadlineMs: 1_500 });
  assert.equal(await asker.state(), 'suspended');
  await asker.resume();
  assert.equal(textOf(await asked), 'slept');
  const again = host.tell('asker', 'hello slow');
  await host.until('parked', 1);
  await asker.pause();
  await asker.kill();
  assert.equal(textOf(await again), 'cancelled');
  assert.equal(await asker.wait(), 'terminated');
  await host.untilNone('motehost_bus_asking');
});
