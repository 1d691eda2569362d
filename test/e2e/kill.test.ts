import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { scribe } from '../support/hosted.ts';
import { HostProcess } from '../support/process.ts';

const home = mkdtempSync(join(tmpdir(), 'motehost-kill-'));
after(() => rmSync(home, { recursive: true }));
before(async () => {
  const component = await scribe();
  for (const name of ['relay', 'sink']) {
    const folder = join(home, 'agents', name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'scribe.wasm'), component);
    const grants = '[capabilities.bus]\nsend = ["agent.*"]\n[delivery]\nbackoff = "10ms"\n';
    writeFileSync(
      join(folder, 'agent.toml'),
      `name = "${name}"\nworld = "handler"\ncomponent = "scribe.wasm"\n${grants}`,
    );
  }
});

const senders = 16;
const messagesMax = 900;

interface Running {
  readonly host: HostProcess;
  readonly url: string;
}

async function start(): Promise<Running> {
  const args = [
    'serve',
    'agents',
    '--state',
    'state',
    '--listen',
    '127.0.0.1:0',
    '--threads',
    '2',
    '--no-watch',
  ];
  const host = new HostProcess(args, home);
  const [, url = ''] = await host.stderr.until(/serving 2 agents on (\S+)/);
  return { host, url };
}

/** Whether the host said that it has the message. */
async function isAccepted(url: string, id: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/v1/agents/relay/send`, {
      method: 'POST',
      body: `to sink bad ${id}`,
      headers: { 'x-mote-message-id': id, 'content-type': 'text/plain' },
    });
    await answer.arrayBuffer();
    return answer.status === 202;
  } catch {
    return false;
  }
}

/** Sends until the host is gone, and kills it when `killAfter` messages are accepted. @returns ids of those that were */
async function sendAndKill({ host, url }: Running, run: number, killAfter: number): Promise<string[]> {
  const accepted: string[] = [];
  let next = 0;
  const send = async (): Promise<void> => {
    while (next < messagesMax) {
      const id = `m${run}-${next++}-`;
      if (!(await isAccepted(url, id))) return;
      accepted.push(id);
      if (accepted.length === killAfter) host.kill('SIGKILL');
    }
  };
  await Promise.all(Array.from({ length: senders }, send));
  await host.end('SIGKILL');
  return accepted;
}

async function deadBodies(url: string): Promise<string> {
  const answer = await fetch(`${url}/v1/dead-letters?limit=10000`);
  const { deadLetters } = (await answer.json()) as { deadLetters: { message: { body: string } }[] };
  return deadLetters.map(({ message }) => message.body).join('\n');
}

// `relay` hands each message to `sink`, which refuses it, so that it stays, a dead letter. A message that was dealt
// with by `relay` and is not at `sink` is lost, and so is one that neither has.
test('kill -9 under load loses no message whose sender was told that it is accepted', {
  timeout: 120_000,
}, async () => {
  for (const [run, killAfter] of [40, 150, 300].entries()) {
    rmSync(join(home, 'state'), { recursive: true, force: true });
    const accepted = await sendAndKill(await start(), run, killAfter);
    assert.ok(accepted.length >= killAfter && accepted.length < messagesMax, `${accepted.length} accepted`);
    const again = await start();
    await using _host = again.host;
    // What was restored comes before it, at each of the two.
    assert.ok(await isAccepted(again.url, 'last'));
    await again.host.stdout.until(/sink .*seen bad last/);
    const dead = await deadBodies(again.url);
    const seen = again.host.stdout.printed;
    const lost = accepted.filter((id) => !dead.includes(id) && !seen.includes(`seen bad ${id}`));
    assert.deepEqual(lost, []);
    assert.equal(await again.host.end('SIGTERM'), 0);
  }
});
