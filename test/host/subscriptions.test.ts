import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hosted, localAgent, payload, principal, temporaryState } from '../support/hosted.ts';
import { writtenAgent } from '../support/written-agent.ts';

/** `on PATTERN` subscribes and answers with the number, `off NUMBER` ends one; anything else is logged as heard. */
const source = `
import { Failure, Message, Reply, bus, fail, log, reply, utf8 } from "motehost:agent";

export function handle(message: Message): Reply {
  const words = utf8.decode(message.body);
  if (words.startsWith("on ")) {
    const done = bus.subscribe(words.slice(3), null);
    return done.isOk ? reply(done.value.toString()) : fail(Failure.denied(""));
  }
  if (words.startsWith("off ")) {
    bus.unsubscribe(U64.parseInt(words.slice(4)));
    return reply("off");
  }
  log.info("heard " + words);
  return reply("");
}
`;
const component = new Uint8Array((await writtenAgent(source)).bytes);
const granted = '[capabilities.bus]\nsubscribe = ["news.>"]\n[subscriptions]\n"all" = {}\n';
const options = { timeout: 60_000 };

async function patternsOf(host: Hosted): Promise<string[]> {
  return (await host.serving.agent('reader')).subscriptions.map(({ pattern }) => pattern).sort();
}

test(
  'what an agent subscribed to is there again after a restart, and ends by the number it was given',
  options,
  async (t) => {
    const folder = temporaryState(t);
    const first = await Hosted.start(t, folder, [localAgent('reader', component, granted)], { threads: 2 });
    const number = await first.ask('reader', 'on news.*');
    await first.ask('reader', 'on news.old');
    assert.deepEqual(await patternsOf(first), ['all', 'news.*', 'news.old']);
    await first.close(1_000);
    const second = await Hosted.start(t, folder, [localAgent('reader', component, granted)], { threads: 1 });
    assert.deepEqual(await patternsOf(second), ['all', 'news.*', 'news.old']);
    await second.serving.publish('news.today', payload('rain'), { principal });
    await second.lines.until(/reader: heard rain/);
    assert.notEqual(await second.ask('reader', 'on news.new'), number, 'numbers are given once');
    await second.ask('reader', `off ${number}`);
    assert.deepEqual(await patternsOf(second), ['all', 'news.new', 'news.old']);
    await second.close(1_000);
    const third = await Hosted.start(t, folder, [localAgent('reader', component, granted)]);
    assert.deepEqual(await patternsOf(third), ['all', 'news.new', 'news.old']);
  },
);

test(
  'what its manifest no longer grants, an agent is subscribed to no more: at a change, and after a restart',
  options,
  async (t) => {
    const folder = temporaryState(t);
    const first = await Hosted.start(t, folder, [localAgent('reader', component, granted)]);
    await first.ask('reader', 'on news.a');
    await first.ask('reader', 'on news.b');
    const less = localAgent('reader', component, granted.replace('news.>', 'news.a'));
    await first.close(1_000);
    const second = await Hosted.start(t, folder, [less]);
    assert.deepEqual(await patternsOf(second), ['all', 'news.a']);
    const { manifestPath, manifest } = localAgent('reader', component, '[subscriptions]\n"all" = {}\n');
    await second.serving.upgrade(manifestPath, manifest, component);
    assert.deepEqual(await patternsOf(second), ['all']);
  },
);

test('an agent that was removed leaves no subscription to the next of its name', options, async (t) => {
  const folder = temporaryState(t);
  const install = async (host: Hosted): Promise<void> => {
    const manifest = `name = "reader"\nworld = "handler"\n${granted}`;
    await host.serving.install({ manifest, component });
  };
  const first = await Hosted.start(t, folder, []);
  await install(first);
  await first.ask('reader', 'on news.*');
  await first.close(1_000);
  const second = await Hosted.start(t, folder, []);
  assert.deepEqual(await patternsOf(second), ['all', 'news.*']);
  await second.serving.remove('reader');
  await install(second);
  assert.deepEqual(await patternsOf(second), ['all']);
  await second.close(1_000);
  assert.deepEqual(await patternsOf(await Hosted.start(t, folder, [])), ['all']);
});
