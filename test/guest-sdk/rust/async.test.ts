import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { InstancePools } from '../../../host/engine/hibernation/instance-pools.ts';
import { Suspended } from '../../../host/engine/instance.ts';
import { Linker } from '../../../host/engine/linker.ts';
import { prepareProgram } from '../../../host/engine/prepare.ts';
import { loadProgram } from '../../../host/engine/program.ts';
import { budgetOf } from '../../engine/fast-lane/fast-guest.ts';
import { AsyncAgent, SlowBus, textOf, turn } from '../async-agents.ts';
import { importsOf, messageOf } from '../component-runner.ts';
import { buildProject, newProject, skip } from './rust-project.ts';

const handler = `
use motehost::{async_bus, join, join_all, no_reply, reply, Failure, Message, Reply};
use std::future::Future;
use std::time::Duration;

motehost::async_handler!(handle);

async fn handle(message: Message) -> Reply {
    let body = message.text()?;
    match message.subject.as_str() {
        "one" => reply(async_bus::request(body, "q").await?.body),
        "all" => {
            let answers = join_all(body.split(' ').map(|name| async_bus::request(name, name))).await;
            let mut texts = Vec::new();
            for answer in answers {
                texts.push(match answer {
                    Ok(payload) => String::from_utf8(payload.body).unwrap(),
                    Err(error) => format!("{error}"),
                });
            }
            reply(texts.join(" "))
        }
        "two" => {
            let (a, b) = join(
                async_bus::request_within("a", body, Duration::from_millis(250)),
                async {
                    let first = async_bus::request("b", body).await?;
                    async_bus::request("c", first.body).await
                },
            )
            .await;
            reply([a?.body, b?.body].concat())
        }
        "give-up" => {
            // The first to end wins, the other is dropped.
            let mut asked = Box::pin(async_bus::request("never", body));
            let mut slept = Box::pin(async_bus::sleep(Duration::from_millis(40)));
            let won = std::future::poll_fn(|context| {
                if let std::task::Poll::Ready(answer) = asked.as_mut().poll(context) {
                    return std::task::Poll::Ready(Some(answer));
                }
                slept.as_mut().poll(context).map(|()| None)
            })
            .await;
            drop(asked);
            match won {
                Some(answer) => reply(answer?.body),
                None => Err(Failure::timed_out("gave up")),
            }
        }
        "yield" => {
            let mut turns = 3;
            std::future::poll_fn(|context| {
                if turns == 0 {
                    return std::task::Poll::Ready(());
                }
                turns -= 1;
                context.waker().wake_by_ref();
                std::task::Poll::Pending
            })
            .await;
            reply("went on")
        }
        "panic" => {
            async_bus::request(body, "q").await?;
            panic!("after the answer")
        }
        _ => no_reply(),
    }
}
`;

const life = `
use motehost::{async_bus, reply, AsyncAgent, Config, Failure, Message, Reply, StopReason};
use std::time::Duration;

struct Counter {
    count: u32,
}

motehost::async_agent!(Counter);

impl AsyncAgent for Counter {
    async fn start(config: Config) -> Result<Counter, Failure> {
        let first = async_bus::request("first", config.name).await?;
        Ok(Counter { count: String::from_utf8(first.body)?.parse()? })
    }

    async fn handle(&mut self, _message: Message) -> Reply {
        async_bus::sleep(Duration::from_millis(1)).await;
        self.count += 1;
        reply(self.count.to_string())
    }

    async fn stop(self, _reason: StopReason) {
        let _ = async_bus::request("echo", self.count.to_string()).await;
    }
}
`;

const log: string[] = [];
const world = (bus: SlowBus) => ({
  'motehost:agent/async-bus': bus.imports,
  'motehost:agent/log': { enabled: () => true, write: (_level: string, text: string) => void log.push(text) },
});

describe('asynchronous agents in Rust', { skip }, () => {
  let bytes: Uint8Array;

  before(async () => {
    const folder = newProject('handler', { 'src/lib.rs': handler });
    ({ bytes } = await buildProject(folder, 'async-handler'));
  });

  async function start(): Promise<{ agent: AsyncAgent; bus: SlowBus }> {
    const bus = new SlowBus();
    return { agent: await AsyncAgent.of(bytes, world(bus)), bus };
  }

  test('a component carries no import it does not use', async () => {
    assert.deepEqual(await importsOf(bytes), [
      'motehost:agent/types@0.1.0',
      'motehost:agent/bus@0.1.0',
      'motehost:agent/async-bus@0.1.0',
      'motehost:agent/log@0.1.0',
    ]);
  });

  test('an answer comes at once, later, or as an error', async () => {
    const { agent, bus } = await start();
    assert.equal(await agent.handle('one', 'echo'), 'q');
    const later = agent.handle('one', 'price');
    await turn();
    assert.equal(agent.instance.asyncCalls?.waiting, true);
    bus.answer('price', '42');
    assert.equal(await later, '42');
    assert.deepEqual(await agent.handle('one', 'denied'), { tag: 'other', val: 'the bus refused a call' });
    const refused = agent.handle('one', 'slow');
    await turn();
    bus.refuse('slow', 'timed-out');
    assert.equal(((await refused) as { tag: string }).tag, 'timed-out');
  });

  test('many requests are under way at once, answered in any order', async () => {
    const { agent, bus } = await start();
    const names = Array.from({ length: 300 }, (_, index) => `n${index}`);
    for (let round = 0; round < 3; round += 1) {
      const all = agent.handle('all', [...names, 'echo', 'denied'].join(' '));
      // A guest that computes lets the event loop turn now and then, the more often the busier the machine is.
      while (bus.asked.length < (round + 1) * (names.length + 2)) await turn();
      for (const name of names.toReversed()) bus.answer(name);
      const texts = ((await all) as string).split(' ');
      assert.deepEqual(texts.slice(0, 301), [...names.map((name) => `${name}!`), 'echo']);
    }
    assert.deepEqual(agent.instance.asyncCalls?.pending, []);
  });

  test('branches go on on their own', async () => {
    const { agent, bus } = await start();
    const two = agent.handle('two', 'x');
    await turn();
    bus.answer('b');
    await turn();
    bus.answer('c');
    await turn();
    bus.answer('a');
    assert.equal(await two, 'a!c!');
    assert.deepEqual(bus.asked, [
      { subject: 'a', timeoutMs: 250, body: 'x' },
      { subject: 'b', timeoutMs: 0, body: 'x' },
      { subject: 'c', timeoutMs: 0, body: 'b!' },
    ]);
  });

  test('a future that is dropped gives its request up', async () => {
    const { agent, bus } = await start();
    const given = agent.handle('give-up');
    await turn();
    bus.answer('40 ms');
    assert.deepEqual(await given, { tag: 'timed-out', val: 'gave up' });
    assert.deepEqual(bus.givenUp, ['never']);
    assert.deepEqual(agent.instance.asyncCalls?.pending, []);
  });

  test('a future that wakes itself gives way to others', async () => {
    const { agent } = await start();
    assert.equal(await agent.handle('yield'), 'went on');
  });

  test('a panic after a wait is written down and ends the instance', async () => {
    const { agent, bus } = await start();
    const call = agent.handle('panic', 'q');
    const ended = assert.rejects(call);
    await turn();
    bus.answer('q');
    await ended;
    assert.equal(log.at(-1), 'after the answer');
  });

  test('it hibernates while it waits', async () => {
    const program = loadProgram(await prepareProgram(new Uint8Array(bytes), () => {}));
    const bus = new SlowBus();
    const linker = new Linker();
    for (const [name, functions] of Object.entries(world(bus)))
      linker.define(`${name}@0.1.0`, { functions, suspending: new Set() });
    const pool = new InstancePools({}).of(program);
    assert.deepEqual(pool.saveable, { possible: true });
    const lease = await pool.spawn(linker, budgetOf());
    const suspended = assert.rejects(lease.call('handle', [messageOf('all', 'x y z')]), Suspended);
    await turn();
    const { pending = [] } = lease.asyncCalls ?? {};
    const snapshot = structuredClone(pool.hibernate(lease));
    await suspended;
    const woken = new InstancePools({}).of(program).wake(snapshot, linker, budgetOf());
    const value = woken.asyncCalls?.continue();
    for (const { token } of pending.toReversed()) {
      const body = new TextEncoder().encode(`answer${token}`);
      const payload = { contentType: undefined, headers: [], body };
      woken.asyncCalls?.answer({ token, value: { tag: 'ok', val: payload } });
    }
    const { val } = (await value) as { val: Uint8Array };
    assert.equal(textOf(val), 'answer1 answer2 answer3');
  });

  test('an agent with a life keeps what it is between messages, and may wait in start and stop', async () => {
    const folder = newProject('handler', { 'src/lib.rs': life });
    const { bytes: component } = await buildProject(folder, 'async-agent');
    const bus = new SlowBus();
    const { instance } = await AsyncAgent.of(component, world(bus));
    const early = await instance.call('handle', [messageOf('count')]);
    assert.equal((early as { val: { tag: string } }).val.tag, 'unavailable');
    const started = instance.call('start', [{ name: 'counter', settings: [], resumed: false }]);
    await turn();
    bus.answer('first', '40');
    assert.deepEqual(await started, { tag: 'ok', val: undefined });
    for (const count of ['41', '42']) {
      const call = instance.call('handle', [messageOf('count')]);
      await turn();
      bus.answer('1 ms');
      assert.equal(textOf(((await call) as { val: Uint8Array }).val), count);
    }
    await instance.call('stop', [{ tag: 'idle' }]);
    assert.deepEqual(
      bus.asked.map(({ subject, body }) => [subject, body]),
      [
        ['first', 'counter'],
        ['echo', '42'],
      ],
    );
  });
});
