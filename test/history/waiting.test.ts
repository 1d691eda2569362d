import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { buildProject, newProject, skip } from '../guest-sdk/rust/rust-project.ts';
import { hibernateSoon, ParkingHost } from '../support/parking-host.ts';
import { answerOf, kindsOf, recorded, replayed, turnsOf } from '../support/replays.ts';

// Agents that wait for several answers at once, in memory and out of it.

const options = { timeout: 50_000 };
const asynchronous = `world = "async-agent"\n${hibernateSoon}${recorded}[capabilities.bus]\nsend = ["agent.>"]\n`;

test(
  'an agent that waited out of memory, slept, gave up and trapped does all that again',
  options,
  async () => {
    await using host = await ParkingHost.start();
    await host.furnish();
    await host.installAsker('asker', `${hibernateSoon}${recorded}`);
    const asked = host.ask('asker', 'hello slow echo slow');
    await host.until('parked', 1);
    await host.ask('door', 'open');
    assert.equal(await asked, 'hello: hello! hello hello!');
    await host.ask('door', 'shut');
    assert.equal(await host.ask('asker', 'sleep 30'), 'slept');
    assert.equal(await host.ask('asker', 'race slow 20'), 'gave up');
    assert.equal(await host.ask('asker', 'race echo 20'), 'too late');
    assert.equal(await host.ask('asker', 'count'), '5');
    assert.equal(await host.ask('asker', 'trap echo'), 'trap');
    assert.equal(await host.ask('asker', 'count'), '1');
    await host.close();
    const turns = await turnsOf(host.stateFolder, 'asker');
    assert.deepEqual(kindsOf(turns), ['same', 'same', 'same', 'same', 'same', 'same', 'same']);
    assert.deepEqual(turns.map(answerOf), [
      'hello: hello! hello hello!',
      'slept',
      'gave up',
      'too late',
      '5',
      'trap',
      '1',
    ]);
    const { happened = [] } = replayed(turns[0]);
    assert.equal(happened.filter(({ kind }) => kind === 'later').length, 3, 'three answers came late');
  },
);

test('a call that was given up or overdue while it waited is the same up to there', options, async () => {
  await using host = await ParkingHost.start();
  await host.furnish();
  await host.installAsker('asker', `${hibernateSoon}${recorded}`);
  const abort = new AbortController();
  const given = host.ask('asker', 'hello slow', { signal: abort.signal });
  await host.until('parked', 1);
  abort.abort();
  assert.equal(await given, 'cancelled');
  assert.equal(await host.ask('asker', 'count'), '1');
  await host.installAsker('hasty', `${hibernateSoon}${recorded}[limits]\ndeadline = "100ms"\n`);
  assert.equal(await host.ask('hasty', 'hello slow'), 'limit deadlineMs');
  await host.close();
  assert.deepEqual(kindsOf(await turnsOf(host.stateFolder, 'asker')), ['cut', 'same']);
  assert.deepEqual(kindsOf(await turnsOf(host.stateFolder, 'hasty')), ['cut']);
});

test(
  'an agent goes on with its life in another run of the host, in which calls wait anew',
  options,
  async () => {
    const first = await ParkingHost.start();
    await first.furnish();
    await first.installAsker('asker', `${hibernateSoon}${recorded}`);
    for (const words of ['a echo echo', 'b echo']) await first.ask('asker', words);
    await first.until('hibernated', 1);
    await first.close();
    await using second = await ParkingHost.start({}, first.stateFolder);
    assert.equal(await second.ask('asker', 'c echo echo'), 'c: c c');
    assert.equal(await second.ask('asker', 'count'), '4');
    await second.close();
    const turns = await turnsOf(second.stateFolder, 'asker');
    assert.deepEqual(kindsOf(turns), ['same', 'same', 'same', 'same']);
    assert.deepEqual([...new Set(turns.map((turn) => replayed(turn).life))], [1], 'one life');
  },
);

const rust = `
use motehost::{async_bus, async_agent, join_all, reply, AsyncAgent, Config, Failure, Message, Reply, StopReason};
use std::time::Duration;

async_agent!(Asker);

struct Asker {
    count: u32,
}

impl AsyncAgent for Asker {
    async fn start(_config: Config) -> Result<Self, Failure> {
        async_bus::sleep(Duration::from_millis(20)).await;
        Ok(Asker { count: 0 })
    }

    async fn handle(&mut self, message: Message) -> Reply {
        self.count += 1;
        let subjects: Vec<String> = message.text()?.split(' ').map(|name| format!("agent.{name}")).collect();
        let asked = subjects.iter().map(|subject| async_bus::request_within(subject, &subject["agent.".len()..], Duration::from_secs(50)));
        let mut texts = vec![self.count.to_string()];
        for answer in join_all(asked).await {
            texts.push(String::from_utf8(answer?.body).unwrap());
        }
        reply(texts.join(" "))
    }

    async fn stop(self, _reason: StopReason) {
        async_bus::sleep(Duration::from_millis(1)).await;
    }
}
`;

describe('Rust agents with a life', { skip, timeout: 120_000 }, () => {
  test('start, waiting and stop are turns like others', async () => {
    const { bytes } = await buildProject(newProject('agent', { 'src/lib.rs': rust }), 'async-agent');
    await using host = await ParkingHost.start();
    await host.furnish();
    await host.install('asker', bytes, asynchronous);
    const asked = host.ask('asker', 'slow echo slow');
    await host.until('parked', 1);
    await host.ask('door', 'open');
    assert.equal(await asked, '1 slow! echo slow!');
    assert.equal(await host.ask('asker', 'echo'), '2 echo');
    await host.serving.remove('asker');
    await host.close();
    const turns = await turnsOf(host.stateFolder, 'asker');
    assert.deepEqual(
      kindsOf(turns),
      turns.map(() => 'same'),
    );
    assert.deepEqual(
      turns.map((turn) => replayed(turn).exported),
      ['start', 'handle', 'handle', 'stop'],
    );
  });
});
