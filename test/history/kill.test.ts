import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { scribe } from '../support/hosted.ts';
import { HostProcess } from '../support/process.ts';
import { answerOf, kindsOf, recorded, replayed, turnsOf } from '../support/replays.ts';

async function agentsFolder(t: TestContext): Promise<string> {
  const home = mkdtempSync(join(tmpdir(), 'motehost-history-kill-'));
  t.after(() => rmSync(home, { recursive: true }));
  const folder = join(home, 'agents', 'scribe');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'scribe.wasm'), await scribe());
  writeFileSync(
    join(folder, 'agent.toml'),
    `name = "scribe"\nworld = "handler"\ncomponent = "scribe.wasm"\n${recorded}`,
  );
  return home;
}

async function start(home: string): Promise<{ host: HostProcess; ask: (words: string) => Promise<string> }> {
  const args = ['serve', 'agents', '--state', 'state', '--listen', '127.0.0.1:0', '--threads', '1'];
  const host = new HostProcess([...args, '--no-watch'], home);
  const [, url = ''] = await host.stderr.until(/serving 1 agents? on (\S+)/);
  const ask = async (body: string): Promise<string> => {
    const headers = { 'content-type': 'text/plain' };
    return (await fetch(`${url}/v1/agents/scribe/invoke`, { method: 'POST', body, headers })).text();
  };
  return { host, ask };
}

test('what an agent did before its host was killed, in the middle of writing, is done again', {
  timeout: 60_000,
}, async (t) => {
  const home = await agentsFolder(t);
  const first = await start(home);
  const body = 'x'.repeat(5_000);
  const answers: string[] = [];
  const asking = Promise.allSettled(
    Array.from({ length: 8 }, async () => {
      for (let at = 0; at < 500; at += 1) {
        answers.push(await first.ask(body));
        if (answers.length === 100) first.host.kill('SIGKILL');
      }
    }),
  );
  await first.host.end('SIGCONT').catch(() => null);
  await asking;
  const second = await start(home);
  assert.equal(await second.ask('again'), '1');
  assert.equal(await second.host.end('SIGTERM'), 0);
  const turns = await turnsOf(join(home, 'state'), 'scribe');
  assert.deepEqual([...new Set(kindsOf(turns))], ['same']);
  const before = turns.filter((turn) => replayed(turn).life === 1).map(answerOf);
  assert.deepEqual(
    before,
    before.map((_, at) => `${at + 1}`),
  );
  assert.ok(before.length > 20, `${before.length} of ${answers.length}`);
  assert.equal(answerOf(turns.at(-1)), '1');
});
