import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { systemClock, systemRandom } from '../../host/clock.ts';
import { type LocalServing, serve } from '../../host/host/serve.ts';
import type { Installed } from '../../host/host/serving.ts';
import { agentGuest } from '../support/agent-guest.ts';
import { httpGuest } from '../support/http-guest.ts';

// What a manifest that came over HTTP may ask for, and what it may not have by asking.

const home = mkdtempSync(join(tmpdir(), 'motehost-installs-'));
const secret = 'HOST_SECRET_ATTACKED_KEY';
let serving: LocalServing;
let component: Uint8Array<ArrayBuffer>;
let site: Uint8Array<ArrayBuffer>;

before(async () => {
  process.env[secret] = 'sk-1';
  component = await agentGuest('a');
  site = await httpGuest('hello');
  serving = await serve({
    agents: [],
    stateFolder: join(home, 'state'),
    cacheFolder: join(home, 'cache'),
    threads: 1,
    limits: {},
    clock: systemClock,
    random: systemRandom,
    log: () => {},
  });
});
after(async () => {
  await serving.close(0);
  delete process.env[secret];
  rmSync(home, { recursive: true });
});

const install = (name: string, more = '', isAnybodys = true): Promise<Installed> =>
  serving.install({ manifest: `name = "${name}"\nworld = "agent"\n${more}`, component, isAnybodys });

test('without tokens nobody is given a secret by installing an agent that asks for it, there or not', async () => {
  const asking = (handle: string): string => `[environment]\nK = { secret = "${handle}" }\n`;
  for (const handle of ['attacked-key', 'no-such-key'])
    await assert.rejects(install('thief', asking(handle)), { code: 'HOST_ERR_CAPABILITY_DENIED' });
  assert.equal((await install('holder', asking('attacked-key'), false)).kind, 'installed');
  await assert.rejects(install('holder', asking('no-such-key'), false), { code: 'HOST_ERR_SECRET_UNKNOWN' });
});

test('a new version that hears more is not taken before somebody saw it, by whatever table it asks', async () => {
  await install('ears');
  for (const more of ['[subscriptions]\n"orders.>" = {}\n', '[[triggers]]\nsubject = "orders.>"\n']) {
    const asked = await install('ears', more);
    assert.equal(asked.kind, 'wants-more', more);
    assert.match(asked.kind === 'wants-more' ? asked.difference.newGrants.join() : '', /orders\.>/);
  }
  assert.deepEqual((await serving.agent('ears')).subscriptions, []);
});

test('a version with another limit of fuel takes over, and the same again changes nothing', async () => {
  const kindOf = async (fuel: string): Promise<string> =>
    (await install('metered', `[limits]\nfuel = "${fuel}"\n`)).kind;
  assert.deepEqual(
    [await kindOf('1G'), await kindOf('1G'), await kindOf('2G')],
    ['installed', 'unchanged', 'upgraded'],
  );
});

test('no agent is installed where the host answers itself', async () => {
  const at = (route: string): Promise<Installed> =>
    serving.install({
      manifest: `name = "site"\nworld = "wasi:http/proxy@0.2.0"\n[http]\nroute = "${route}"\n`,
      component: site,
    });
  for (const route of ['/v1', '/v1/agents', '/healthz', '/healthz/x', '/readyz', '/metrics', '/openapi.json'])
    await assert.rejects(at(route), { code: 'HOST_ERR_CONFIG_INVALID', message: /is the host's/ }, route);
  assert.equal((await at('/v1x')).kind, 'installed');
});
