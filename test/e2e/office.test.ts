import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { host } from '../support/cli.ts';
import { HostProcess } from '../support/process.ts';

// What examples/office's README says, in its order: sealed messages under a policy, on a chain, run again.

const home = mkdtempSync(join(tmpdir(), 'motehost-office-'));
after(() => rmSync(home, { recursive: true }));
cpSync(resolve(import.meta.dirname, '../..', 'examples/office'), join(home, 'office'), { recursive: true });
const state = join(home, 'state');
const policies = join(home, 'office/policies/office.cedar');

const options = { timeout: 240_000 };

test(
  'an office under policies: sealed, denied, recorded, verified by a stranger, run again, changed live',
  options,
  async (t) => {
    const words = ['serve', 'office/agents', '--policies', 'office/policies', '--listen', '127.0.0.1:0'];
    await using run = new HostProcess([...words, '--state', state], home);
    const [, url = ''] = await run.stderr.until(/serving .* on (http:\S+)\n[\s\S]*Ctrl-C drains/);
    const tell = async (words: string): Promise<string> =>
      (await host(['invoke', 'clerk', '--input', words, '--url', url])).stdout;
    const query = async (...words: string[]): Promise<string> =>
      (await host(['audit', 'query', state, ...words])).stdout;

    assert.equal(await tell('40'), '40 in all\n');
    assert.equal(await tell('2'), '42 in all\n');
    assert.equal(await tell('tell everything'), 'the press: denied\n');
    await run.stdout.until(/denied: publish press\.rumours .*office\.cedar#not-to-the-press/);

    await t.test('the next message is decided by what the policies say now', async () => {
      const text = readFileSync(policies, 'utf8');
      writeFileSync(policies, text.slice(0, text.indexOf('@id("not-to-the-press")')));
      await run.stdout.until(/policies of version \d+ are in force/);
      assert.equal(await tell('tell everything'), 'the press knows\n');
    });
    assert.equal(await run.end('SIGTERM'), 0);

    await t.test('messages, fuel and the denial are on the chain', async () => {
      assert.match(
        await query('--kind', 'message-sent'),
        /clerk .*subject=agent\.ledger receiver=ledger .*sha256=/,
      );
      assert.match(await query('--kind', 'invocation-ended'), /ledger .*outcome=ok fuel=\d+/);
      assert.match(
        await query('--kind', 'decision'),
        /clerk .*decision=deny policies=office\.cedar#not-to-the-press/,
      );
    });

    await t.test('a stranger with the public key finds it intact, and a changed byte', async () => {
      const stranger = join(home, 'stranger');
      cpSync(join(state, 'audit'), join(stranger, 'chain'), { recursive: true });
      cpSync(join(state, 'keys/host.pub'), join(stranger, 'host.pub'));
      const verify = ['audit', 'verify', 'chain', '--key', 'host.pub'];
      const before = await host(verify, { cwd: stranger });
      assert.equal(before.code, 0, before.stderr);
      assert.match(before.stdout, /^intact: \d+ events/);
      const file = join(stranger, 'chain/00000001.chain');
      const bytes = readFileSync(file);
      const at = Math.floor(bytes.length / 2);
      bytes[at] = (bytes[at] as number) ^ 1;
      writeFileSync(file, bytes);
      const changed = await host(verify, { cwd: stranger });
      assert.equal(changed.code, 1);
      assert.match(
        changed.stdout,
        /NOT intact: 1 fault[\s\S]*event \d+ \(batch \d+, chain\/00000001\.chain at byte \d+\)/,
      );
    });

    await t.test('all of it is done again, to the unit of fuel', async () => {
      for (const [agent, turns] of [
        ['clerk', 4],
        ['ledger', 2],
      ] as const) {
        const { code, stdout } = await host(['replay', agent, '--state', state]);
        assert.equal(code, 0, stdout);
        assert.equal(stdout.match(/ {2}same {2}/g)?.length, turns, stdout);
      }
    });
  },
);
