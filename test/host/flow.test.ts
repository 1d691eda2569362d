import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { systemClock, systemRandom } from '../../host/clock.ts';
import { serve } from '../../host/host/serve.ts';
import { writtenAgent } from '../support/written-agent.ts';

const principal = { name: 'test' };
const stateFolder = mkdtempSync(join(tmpdir(), 'motehost-state-'));
const serving = await serve({
  agents: [],
  stateFolder,
  cacheFolder: undefined,
  threads: 2,
  limits: {},
  clock: systemClock,
  random: systemRandom,
  log: () => {},
});
after(async () => {
  await serving.close(0);
  rmSync(stateFolder, { recursive: true, force: true });
});

async function install(name: string, source: string, more: string): Promise<void> {
  const component = new Uint8Array((await writtenAgent(source, { release: true })).bytes);
  await serving.install({ manifest: `name = "${name}"\nworld = "handler"\n${more}`, component });
}

const empty = { contentType: undefined, headers: [], body: new Uint8Array(0) };

test('what an agent sent leaves its thread while the agent still computes', async () => {
  await install(
    'busy',
    `import { Message, Reply, bus, noReply } from "motehost:agent";
    export function handle(message: Message): Reply {
      bus.publish("early.news", "soon");
      for (;;) {}
      return noReply();
    }`,
    '[capabilities.bus]\npublish = ["early.>"]\n',
  );
  const given = new AbortController();
  let isOver = false;
  const invocation = serving.invoke('busy', empty, { principal, signal: given.signal }).finally(() => {
    isOver = true;
  });
  await new Promise<void>((heard) => serving.subscribe('early.>', undefined, () => heard()));
  assert.equal(isOver, false, 'the invocation is not over yet');
  given.abort();
  assert.deepEqual((await invocation).kind, 'refused');
});

test('a sender far faster than its receiver waits for room, and every message arrives once', async () => {
  const count = 5_000;
  await install(
    'counter',
    `import { Message, Reply, noReply, reply } from "motehost:agent";
    let count = 0;
    export function handle(message: Message): Reply {
      if (message.replyTo !== null) return reply(count.toString());
      for (let spin = 0; spin < 2000; spin++) count = count ^ spin ^ spin;
      count++;
      return noReply();
    }`,
    '',
  );
  await install(
    'flooder',
    `import { Message, Reply, bus, fail, Failure, reply } from "motehost:agent";
    export function handle(message: Message): Reply {
      let refused = 0;
      for (let at = 0; at < ${count}; at++)
        if (bus.send("counter", "x").isErr) { refused++; at--; if (refused > 1000) return fail(Failure.other("refused")); }
      return reply("sent");
    }`,
    '[limits]\nmessages-per-second = 1000000000\nmessage-burst = 1000000000\n[capabilities.bus]\nsend = ["agent.counter"]\n',
  );
  const flooded = await serving.invoke('flooder', empty, { principal });
  assert.equal(flooded.kind === 'answered' && flooded.outcome.kind, 'ok');
  let text = '';
  for (;;) {
    const counted = await serving.invoke('counter', empty, { principal });
    if (counted.kind !== 'answered') continue; // Its mailbox is still over the mark.
    text = Buffer.from((counted.outcome.kind === 'ok' && counted.outcome.value) || []).toString();
    if (Number(text) === count) break;
    assert.ok(Number(text) < count, 'no message came twice');
  }
  assert.equal(Number(text), count);
});
