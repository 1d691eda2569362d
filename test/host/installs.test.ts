import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentGuest } from '../support/agent-guest.ts';
import { Hosted, temporaryState } from '../support/hosted.ts';

const component = await agentGuest('a');

test('a component that comes along tells its world itself, also after a restart', async (t) => {
  const folder = temporaryState(t);
  const first = await Hosted.start(t, folder, []);
  const installed = await first.serving.install({ manifest: 'name = "plain"\n', component });
  assert.equal(installed.kind, 'installed');
  assert.equal(await first.ask('plain', 'x'), 'a1');
  assert.equal((await first.serving.agent('plain')).world, 'handler');
  await first.close(0);
  const second = await Hosted.start(t, folder, []);
  assert.match(await second.ask('plain', 'x'), /^a/);
});

test('what an agent imports is what it can call, without the types that come along', async (t) => {
  const host = await Hosted.start(t, temporaryState(t), []);
  await host.serving.install({ manifest: 'name = "plain"\n', component });
  const { imports } = await host.serving.agent('plain');
  assert.ok(imports.includes('motehost:agent/log@0.1.0'), imports.join());
  assert.deepEqual(
    imports.filter((name) => !name.startsWith('motehost:agent/')),
    [],
  );
});

const daily = (cron: string): string =>
  `name = "timed"\n[[triggers]]\nname = "daily"\ncron = "${cron}"\nzone = "Europe/Berlin"\n` +
  '[[triggers]]\nevery = "90s"\n[[triggers]]\nsubject = "orders.new"\n';

test('an agent is shown with its triggers and when each comes next', async (t) => {
  const host = await Hosted.start(t, temporaryState(t), []);
  await host.serving.install({ manifest: daily('0 8 * * *'), component });
  const { triggers } = await host.serving.agent('timed');
  assert.deepEqual(
    triggers.map(({ name, cron, zone, everyMs, atMs, subject }) => [
      name,
      cron,
      zone,
      everyMs,
      atMs,
      subject,
    ]),
    [
      ['daily', '0 8 * * *', 'Europe/Berlin', undefined, undefined, undefined],
      ['every-2', undefined, undefined, 90_000, undefined, undefined],
      ['subject-3', undefined, undefined, undefined, undefined, 'orders.new'],
    ],
  );
  const [atEight, soon, never] = triggers.map(({ nextMs }) => nextMs);
  const hour = new Intl.DateTimeFormat('en-GB', {
    timeZone: 'Europe/Berlin',
    hour: '2-digit',
    minute: '2-digit',
  });
  assert.equal(hour.format(atEight), '08:00');
  assert.ok(soon !== undefined && soon > 0);
  assert.equal(never, undefined);
});

test('an agent whose trigger names no time is not installed, and a present one stays as it is', async (t) => {
  const host = await Hosted.start(t, temporaryState(t), []);
  const refused = { code: 'HOST_ERR_CONFIG_INVALID', message: /cron = "99 8 \* \* \*"/ };
  await assert.rejects(host.serving.install({ manifest: daily('99 8 * * *'), component }), refused);
  await assert.rejects(host.serving.agent('timed'), { code: 'HOST_ERR_AGENT_UNKNOWN' });
  await host.serving.install({ manifest: daily('0 8 * * *'), component });
  await assert.rejects(host.serving.install({ manifest: daily('99 8 * * *'), component }), refused);
  assert.equal((await host.serving.agent('timed')).triggers[0]?.cron, '0 8 * * *');
});
