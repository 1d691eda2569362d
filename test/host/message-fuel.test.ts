import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { systemRandom } from '../../host/clock.ts';
import { createHost } from '../../host/host.ts';
import { noGrants } from '../engine/wasi/preview2/grants.ts';
import { Hosted, localAgent, temporaryState } from '../support/hosted.ts';
import { noLimits, RestlessClock, Unrest } from '../support/restless.ts';
import { memoryHost, runBytes } from '../support/run.ts';
import { writtenAgent } from '../support/written-agent.ts';

// What the host writes on a message is read by the agent, byte by byte, and paid for with fuel: a name that is a digit
// longer would cost more.

const host = memoryHost();
after(() => host.close());

const { bytes } = await writtenAgent(`
import { Message, Reply, log, reply, utf8 } from "motehost:agent";

const kept = new Map<string, Array<string>>();

function work(rounds: i32): string {
  for (let round = 0; round < rounds; round++) {
    const words: string[] = [];
    for (let word = 0; word < 20; word++) words.push((round * word).toString() + "-" + word.toString());
    kept.set((round % 40).toString(), words);
    if (round % 10 == 0) log.info(words.join(" "));
  }
  return kept.size.toString();
}

export function handle(message: Message): Reply {
  const words = utf8.decode(message.body);
  if (words.length > 0) return reply(work(I32.parseInt(words)));
  const to = message.replyTo;
  return reply(message.id.length.toString() + " " + (to == null ? "" : to.length.toString()));
}
`);
const agent = new Uint8Array(bytes);

test('a run costs the same fuel in every process', async (t) => {
  const { pid } = process;
  t.after(() => Object.defineProperty(process, 'pid', { value: pid }));
  const fuel: bigint[] = [];
  for (const value of [7, 4_711, 32_768, 4_194_304]) {
    Object.defineProperty(process, 'pid', { value });
    fuel.push((await runBytes(host, agent)).outcome.usage.fuel);
  }
  assert.equal(new Set(fuel).size, 1, fuel.join(', '));
});

test('names and reply subjects have the same length, however many messages came before', async (t) => {
  const hosted = await Hosted.start(t, temporaryState(t), [localAgent('a', agent)]);
  const answers = new Set<string>();
  for (let count = 0; count < 40; count += 1) answers.add(await hosted.ask('a', ''));
  assert.equal(answers.size, 1, [...answers].join(', '));
});

test('an agent with garbage to collect uses the same from message to message, however it is disturbed', async () => {
  const runs = new Set<string>();
  for (let seed = 1; seed <= 6; seed += 1) {
    const clock = new RestlessClock(new Unrest(seed));
    const restless = createHost({ cacheFolder: undefined, clock, random: systemRandom });
    const artifact = await restless.prepare(agent);
    const live = await restless.open({
      artifact,
      grants: noGrants,
      limits: noLimits,
      name: 'a',
      resumed: false,
    });
    const used: string[] = [];
    for (const rounds of ['300', '1', '41', '300']) {
      const body = new TextEncoder().encode(rounds);
      const { outcome } = await live.handle({ subject: 'a', body }, undefined);
      used.push(`${outcome.kind} ${outcome.usage.fuel}`);
    }
    runs.add(used.join(', '));
    await live.close('replaced');
    await restless.close();
  }
  assert.equal(runs.size, 1, [...runs].join('\n'));
  assert.match([...runs][0] ?? '', /^(ok \d{5,}(, |$)){4}$/);
});
