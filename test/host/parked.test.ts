import assert from 'node:assert/strict';
import { cpSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fuelOf, hibernateSoon, ParkingHost, textOf } from '../support/parking-host.ts';

// Agents whose calls wait, in a host as it serves: threads, bus, hibernation.

const options = { timeout: 120_000 };
/** The slow one looks at the door every few milliseconds. */
const turnsOfOthers = 2;
const stay = '[hibernate]\nafter = "never"\n';

async function furnished(start: Parameters<typeof ParkingHost.start>[0] = {}): Promise<ParkingHost> {
  const host = await ParkingHost.start(start);
  await host.furnish();
  return host;
}

test(
  'an agent that waits leaves memory, is woken by answers, and remembers what it knew',
  options,
  async () => {
    await using host = await furnished();
    await host.installAsker('asker');
    const asked = host.ask('asker', 'hello slow echo slow');
    await host.until('parked', 1);
    assert.ok((await host.metric('motehost_calls_active')) <= turnsOfOthers, 'who waits has no turn');
    assert.equal((await host.serving.agent('asker')).state, 'waiting');
    await host.ask('door', 'open');
    assert.equal(await asked, 'hello: hello! hello hello!');
    assert.equal(await host.ask('asker', 'count'), '2');
  },
);

test('an agent with nothing to wait for but the time does so out of memory', options, async () => {
  await using host = await furnished();
  await host.installAsker('asker');
  const slept = host.ask('asker', 'sleep 1000');
  await host.until('parked', 1);
  assert.equal(await slept, 'slept');
});

test('a call burns the same fuel whether its agent left memory or not', options, async () => {
  await using host = await furnished();
  await host.installAsker('gone');
  await host.installAsker('stay', stay);
  // Sent, not asked: where an answer is to go would be part of the message, and no two are of the same length.
  for (const name of ['gone', 'stay']) await host.send(name, 'hello slow slow');
  await host.until('parked', 1);
  await host.until('waiting', 2);
  await host.ask('door', 'open');
  const gone = await host.handled('gone');
  const stayed = await host.handled('stay');
  assert.ok(gone.fuel > 0n);
  assert.equal(gone.fuel, stayed.fuel);
});

test(
  'the deadline ends a call whose agent is out of memory, and the agent begins anew',
  options,
  async () => {
    await using host = await furnished();
    await host.installAsker('asker', `${hibernateSoon}[limits]\ndeadline = "600ms"\n`);
    const asked = host.tell('asker', 'hello slow');
    await host.until('parked', 1);
    const reply = await asked;
    assert.equal(textOf(reply), 'limit deadlineMs');
    assert.ok(fuelOf(reply) > 0n, 'what it burnt before counts');
    await host.until('parked', 0);
    await host.ask('door', 'open');
    assert.equal(await host.ask('asker', 'count'), '1');
    assert.equal(await host.metric('motehost_bus_asking'), 0, 'what it asked is cancelled');
  },
);

test('an asker that gives up ends a call whose agent is out of memory', options, async () => {
  await using host = await furnished();
  await host.installAsker('asker');
  const gone = new AbortController();
  const asked = host.ask('asker', 'hello slow', { signal: gone.signal });
  await host.until('parked', 1);
  gone.abort();
  assert.equal(await asked, 'cancelled');
  await host.until('parked', 0);
  assert.equal(await host.metric('motehost_bus_asking'), 0);
  assert.equal(await host.ask('asker', 'count'), '1');
});

test('a woken agent gives up what it asked before it left', options, async () => {
  await using host = await furnished();
  await host.installAsker('asker');
  const raced = host.ask('asker', 'race slow 1000');
  await host.until('parked', 1);
  assert.equal(await raced, 'gave up');
  await host.untilNone('motehost_bus_asking');
  assert.equal(await host.ask('asker', 'count'), '2', 'it has its memory still');
});

test('an agent that is removed while it waits leaves nothing behind', options, async () => {
  await using host = await furnished();
  await host.installAsker('asker');
  const asked = host.ask('asker', 'hello slow');
  await host.until('parked', 1);
  await host.serving.remove('asker');
  assert.equal(await asked, 'cancelled');
  assert.equal(await host.inPhase('parked'), 0);
  assert.equal(await host.metric('motehost_warm_bytes'), 0);
});

test('a new version waits for the call of the old one, wherever that is', options, async () => {
  await using host = await furnished();
  await host.installAsker('asker');
  const asked = host.ask('asker', 'hello slow');
  await host.until('parked', 1);
  const upgraded = host.installAsker('asker', '[hibernate]\nafter = "2ms"\n');
  await host.ask('door', 'open');
  assert.equal(await asked, 'hello: hello!');
  await upgraded;
  assert.equal(await host.ask('asker', 'count'), '1');
});

test('a trap after the agent came back ends its instance', options, async () => {
  await using host = await furnished();
  await host.installAsker('asker');
  const asked = host.ask('asker', 'trap slow');
  await host.until('parked', 1);
  await host.ask('door', 'open');
  assert.equal(await asked, 'trap');
  assert.equal(await host.ask('asker', 'count'), '1');
});

test(
  'what waits goes to disk when the heap has no room for it, and comes back from there',
  options,
  async () => {
    await using host = await furnished({ warmBytesMax: 0 });
    await host.installAsker('asker');
    const asked = host.ask('asker', 'hello slow');
    await host.until('parked', 1);
    await host.untilNone('motehost_warm_bytes');
    await host.ask('door', 'open');
    assert.equal(await asked, 'hello: hello!');
    assert.equal(await host.ask('asker', 'count'), '2');
  },
);

test('after a crash an agent that waited begins anew', options, async () => {
  await using host = await furnished({ warmBytesMax: 0 });
  await host.installAsker('asker');
  const asked = host.ask('asker', 'hello slow');
  await host.until('parked', 1);
  await host.untilNone('motehost_warm_bytes');
  const copy = mkdtempSync(join(tmpdir(), 'motehost-parking-'));
  for (const part of ['cold', 'keys'])
    cpSync(join(host.stateFolder, part), join(copy, part), { recursive: true });
  await using again = await ParkingHost.start({}, copy);
  await again.installAsker('asker');
  assert.equal(await again.inPhase('cold'), 1);
  assert.equal(await again.ask('asker', 'count'), '1');
  await host.ask('door', 'open');
  assert.equal(await asked, 'hello: hello!');
});

test('a host that ends does not wait for ever: who waits is told', options, async () => {
  const host = await furnished();
  await host.installAsker('asker');
  const asked = host.ask('asker', 'hello slow');
  await host.until('parked', 1);
  await host.serving.close(50);
  assert.match(await asked, /cancelled|unavailable/);
  await using again = await ParkingHost.start({}, host.stateFolder);
  await again.installAsker('asker');
  assert.equal(await again.ask('asker', 'count'), '1', 'as after any call that was cut off');
});

test('hundreds wait at once with few memories, and all are answered', options, async () => {
  await using host = await furnished({ bounds: { memoriesMax: 40, stacksPerThreadMax: 20 } });
  await host.installAsker('asker', '[hibernate]\nafter = "never"\n');
  const names = Array.from({ length: 400 }, (_, index) => `asker-${index}`);
  await host.serving.spawn('asker', names);
  const asked = names.map((name) => host.ask(name, 'hello slow echo'));
  // All but those that the memories have room for.
  while ((await host.inPhase('parked')) + (await host.inPhase('waiting')) < names.length + 1);
  // Their turns come back a moment after; none is kept.
  while ((await host.metric('motehost_calls_active')) > turnsOfOthers);
  assert.ok((await host.metric('motehost_memories')) <= 40);
  await host.ask('door', 'open');
  assert.deepEqual(new Set(await Promise.all(asked)), new Set(['hello: hello! hello']));
});
