import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { ServeOptions } from '../../host/host/local-serving.ts';
import { parseSupervisors } from '../../host/manifest.ts';
import { Hosted, localAgent, temporaryState } from '../support/hosted.ts';
import { writtenAgent } from '../support/written-agent.ts';

/** Computes for some slices, then logs `WORDS as N`, N being how many messages it had; `trap` traps. */
const source = `
import { Message, Reply, log, noReply, utf8 } from "motehost:agent";
let count = 0;
export function handle(message: Message): Reply {
  if (utf8.decode(message.body) == "trap") unreachable();
  let sum: u32 = 1;
  for (let at = 1_000_000; at > 0; at--) sum = sum * 1664525 + 1013904223;
  count++;
  log.info(utf8.decode(message.body) + " as " + count.toString() + (sum == 7 ? "!" : ""));
  return noReply();
}
`;
let built: Promise<Uint8Array<ArrayBuffer>> | undefined;
const busy = 6;
const names = Array.from({ length: 2 * busy }, (_, at) => `a${at}`);
const perRound = 8;

/** A host of two threads with agents on both, and the names of those on the first. */
async function open(
  t: TestContext,
  options: Partial<ServeOptions> = {},
): Promise<{ host: Hosted; own: readonly string[] }> {
  built ??= writtenAgent(source).then(({ bytes }) => new Uint8Array(bytes));
  const component = await built;
  const toml = '[delivery]\nguarantee = "exactly-once"\nbackoff = "1ms"\n';
  const agents = names.map((name) => localAgent(name, component, toml));
  const host = await Hosted.start(t, temporaryState(t), agents, { threads: 2, ...options });
  const known = await host.serving.agents(undefined, 100);
  const own = known.filter(({ thread }) => thread === 1).map(({ name }) => name);
  assert.equal(own.length, busy);
  return { host, own };
}

/** Sends numbered messages to all of them, some at once, until agents have moved, and then some more. @returns how many each */
async function sendUntilMoved({ host, own }: { host: Hosted; own: readonly string[] }): Promise<number> {
  let sent = 0;
  const send = async (): Promise<void> => {
    for (let at = 0; at < perRound; at++) {
      sent += 1;
      await Promise.all(own.map((name) => host.send(name, `m${sent}`)));
    }
  };
  await send();
  for (let roundsLeft = 2; roundsLeft > 0; ) {
    await send();
    if ((await host.serving.status()).stealing.moved > 0) roundsLeft -= 1;
    // Two rounds wait at most.
    await Promise.all(own.map((name) => host.lines.until(new RegExp(`^${name}: m${sent - perRound} as `))));
  }
  return sent;
}

/** What an agent said of each message, by its count: lines of two threads come as they come. */
function heardBy(host: Hosted, name: string): readonly string[] {
  const lines = host.lines.all.filter((line) => line.startsWith(`${name}: m`));
  const countOf = (line: string): number => Number(line.split(' as ')[1]);
  return lines.sort((a, b) => countOf(a) - countOf(b)).map((line) => line.split(': ')[1] ?? '');
}

test('agents that all wait at one thread are dealt with by two, each with its state, its messages in order and once', async (t) => {
  const tree = `[[supervisors]]\nname = "top"\nchildren = ${JSON.stringify(names)}\n`;
  const { host, own } = await open(t, {
    supervisors: parseSupervisors(tree, 'supervisors.toml'),
    // Nobody goes back.
    scheduler: { stealRestMs: 600_000 },
  });
  const sent = await sendUntilMoved({ host, own });
  await Promise.all(own.map((name) => host.lines.until(new RegExp(`^${name}: m${sent} as `))));
  const { stealing } = await host.serving.status();
  assert.ok(stealing.steals > 0 && stealing.moved > 0);
  for (const name of own) {
    const expected = Array.from({ length: sent }, (_, at) => `m${at + 1} as ${at + 1}`);
    assert.deepEqual(heardBy(host, name), expected, name);
    assert.equal((await host.serving.agent(name)).handled, sent);
  }
  // Its supervisor finds it where it is.
  const now = await host.serving.agents(undefined, 100);
  const moved = now.find(({ name, thread }) => own.includes(name) && thread === 2)?.name ?? assert.fail();
  assert.equal(await host.ask(moved, 'trap'), 'trap');
  await host.lines.until(new RegExp(`top: ${moved} was restarted`));
  await host.ask(moved, 'm0');
  await host.lines.until(new RegExp(`^${moved}: m0 as 1$`));
});

test('a thread that is lost while agents go from and to it takes no accepted message along', async (t) => {
  const { host, own } = await open(t, { scheduler: { stealRestMs: 1 } });
  await sendUntilMoved({ host, own });
  const sending = own.map((name) => host.send(name, 'n'));
  await host.serving.endThread(1);
  await Promise.all(sending);
  // What the lost thread logged last may be lost with it; what is owed is in the journals.
  await host.lines.until(/are there again/);
  for (let owed = 1; owed > 0; ) {
    const live = (await host.serving.metrics()).find(({ name }) => name === 'motehost_bus_journal_live');
    owed = live?.samples.reduce((sum, { value }) => sum + value, 0) ?? assert.fail();
  }
  assert.deepEqual(await host.serving.deadLetters(10), []);
});

test('nobody moves where the settings say so', async (t) => {
  const { host, own } = await open(t, { scheduler: { stealing: false } });
  for (let at = 1; at <= 25; at++) await Promise.all(own.map((name) => host.send(name, `m${at}`)));
  await host.lines.until(/: m25 as 25$/, busy);
  const { stealing, threads } = await host.serving.status();
  assert.deepEqual(stealing, { steals: 0, moved: 0, refused: 0 });
  assert.deepEqual(
    threads.map(({ agents }) => agents),
    [busy, busy],
  );
});
