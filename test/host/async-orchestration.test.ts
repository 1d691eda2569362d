import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hibernateSoon, ParkingHost } from '../support/parking-host.ts';
import { player } from '../support/player.ts';
import { answerOf, kindsOf, recorded, turnsOf } from '../support/replays.ts';
import { writtenAgent } from '../support/written-agent.ts';

// Agents that wait for what others put, hold, say and vote, in memory and out of it.

const options = { timeout: 60_000 };

/** `take MS`, `acquire MS`, `await MS`, `both MS` (a value and a word), `vote WORDS`, `race MS` (gives a take up). */
const source = `
import { Future, Message, Reply, Result, asyncBus, asyncOrchestration as o, orchestration, reply, utf8 } from "motehost:agent";

class Both {
  taken: string = "";
  constructor(public word: Future<Result<string, o.OrchestrationError>>) {}
}

function taken(result: Result<Uint8Array, o.OrchestrationError>): string {
  return result.isOk ? utf8.decode(result.value) : result.error.toString();
}

export function handle(message: Message): Future<Reply> {
  const w = utf8.decode(message.body).split(" ");
  const ms = w.length > 1 ? <u32>parseInt(w[1]) : 0;
  if (w[0] == "take") return o.take("work", ms).map<i32, Reply>(0, (value, none) => reply(taken(value)));
  if (w[0] == "put") return o.put("work", w[2], ms).map<i32, Reply>(0, (put, none) => reply(put.isOk ? "ok" : put.error.toString()));
  if (w[0] == "acquire")
    return o.acquireLease("leader", 60000, ms).map<i32, Reply>(0, (lease, none) =>
      reply(lease.isOk ? "has it" : lease.error.toString()));
  if (w[0] == "both") {
    const both = new Both(o.awaitSignal("go", ms));
    return o.take("work", ms).chain<Both, Reply>(both, (value, both) => {
      both.taken = taken(value);
      return both.word.map<Both, Reply>(both, (from, both) =>
        reply(both.taken + " and " + (from.isOk ? from.value : from.error.toString())));
    });
  }
  if (w[0] == "race") {
    const taking = o.take("work", 50000);
    return asyncBus.sleep(ms).map<Future<Result<Uint8Array, o.OrchestrationError>>, Reply>(taking, (slept, taking) =>
      reply(taking.cancel() ? "gave up" : "too late"));
  }
  if (w[0] == "vote")
    return o.askQuorum(["ada", "bob"], w[1], orchestration.Threshold.majority(), 5000, true).map<i32, Reply>(0, (tally, none) => {
      if (tally.isErr) return reply(tally.error.toString());
      const decision = tally.value.decision;
      return reply(decision === null ? "undecided" : utf8.decode(decision));
    });
  return Future.of(reply("?"));
}
`;

const overdue = /^(timed-out|limit deadlineMs)$/;

const shared = `
[capabilities.orchestration]
channels = ["work"]
leases = ["leader"]
`;

let built: Promise<Uint8Array> | undefined;

async function begin(): Promise<ParkingHost> {
  const host = await ParkingHost.start();
  built ??= writtenAgent(source, { world: 'async-handler' }).then(({ bytes }) => bytes);
  const sends = '[capabilities.bus]\nsend = ["agent.>"]\n';
  await host.installAsker('waiter', hibernateSoon + recorded + shared, await built);
  for (const name of ['ada', 'bob'])
    await host.install(name, await player(), `world = "handler"\n${sends}${shared}`);
  return host;
}

test('who waits leaves memory, and goes on with what comes', options, async () => {
  await using host = await begin();
  const asked = host.ask('waiter', 'both 50000');
  await host.until('parked', 1);
  assert.equal(await host.ask('ada', 'signal waiter go'), 'ok');
  assert.equal(await host.ask('ada', 'put work value 0'), 'ok');
  assert.equal(await asked, 'value and ada');
  assert.equal(await host.ask('ada', 'acquire leader 60000 0'), '1');
  const waiting = host.ask('waiter', 'acquire 50000');
  await host.until('parked', 1);
  assert.equal(await host.ask('ada', 'release leader 1'), 'ok');
  assert.equal(await waiting, 'has it');
  assert.equal(await host.ask('waiter', 'vote yes?'), 'played yes?');
  await host.close();
  const turns = await turnsOf(host.stateFolder, 'waiter');
  assert.deepEqual(kindsOf(turns), ['same', 'same', 'same']);
  assert.deepEqual(turns.map(answerOf), ['value and ada', 'has it', 'played yes?']);
});

test('what is given up, overdue or removed takes nothing with it', options, async () => {
  await using host = await begin();
  assert.equal(await host.ask('waiter', 'race 20'), 'gave up');
  const given = new AbortController();
  const gone = host.ask('waiter', 'take 50000', { signal: given.signal });
  await host.until('parked', 1);
  given.abort();
  assert.equal(await gone, 'cancelled');
  // Both end at the same moment, and either may be first.
  assert.match(await host.ask('waiter', 'take 50000', { deadlineMs: 100 }), overdue);
  const late = host.ask('ada', 'take work 50000', { deadlineMs: 100 });
  assert.match(await late, overdue);
  const removed = host.ask('waiter', 'take 50000');
  await host.until('parked', 1);
  await host.serving.remove('waiter');
  assert.match(await removed, /cancelled|error/);
  assert.equal(await host.ask('bob', 'put work value 0'), 'ok');
  assert.equal(await host.ask('bob', 'take work 0'), 'value');
});
