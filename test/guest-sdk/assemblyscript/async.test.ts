import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { InstancePools } from '../../../host/engine/hibernation/instance-pools.ts';
import { Suspended } from '../../../host/engine/instance.ts';
import { Linker } from '../../../host/engine/linker.ts';
import { prepareProgram } from '../../../host/engine/prepare.ts';
import { loadProgram } from '../../../host/engine/program.ts';
import { budgetOf } from '../../engine/fast-lane/fast-guest.ts';
import { writtenAgent } from '../../support/written-agent.ts';
import { AsyncAgent, SlowBus, textOf, turn } from '../async-agents.ts';
import { messageOf } from '../component-runner.ts';

const source = `
import { Failure, Future, Message, Payload, Reply, Result, all, asyncBus, fail, noReply, reply, utf8 } from "motehost:agent";
import { liveBlocks } from "motehost-sdk/abi/memory";

type Answer = Result<Payload, asyncBus.BusError>;

class Both {
  a: string = "";
  b: string = "";
  left: i32 = 2;
  readonly reply: Future<Reply> = new Future<Reply>();
  done(): void {
    if (--this.left == 0) this.reply.resolve(reply(this.a + this.b));
  }
}

function textOf(answer: Answer): string {
  return answer.isOk ? utf8.decode(answer.value.body) : answer.error.toString();
}

export function handle(message: Message): Future<Reply> {
  const subject = message.subject;
  const body = utf8.decode(message.body);
  if (subject == "live") return Future.of(reply(liveBlocks().toString()));
  if (subject == "one")
    return asyncBus.request(body, "q").map<string, Reply>(body, (answer, asked) =>
      answer.isOk ? reply(asked + "=" + utf8.decode(answer.value.body)) : fail(Failure.unavailable(answer.error.toString())));
  if (subject == "all") {
    const names = body.split(" ");
    const asked: Future<Answer>[] = [];
    for (let i = 0; i < names.length; i++) asked.push(asyncBus.request(names[i], names[i]));
    return all(asked).map<i32, Reply>(0, (answers, none) => {
      const texts: string[] = [];
      for (let i = 0; i < answers.length; i++) texts.push(textOf(answers[i]));
      return reply(texts.join(" "));
    });
  }
  if (subject == "two") {
    const both = new Both();
    asyncBus.request("a", body, 250).then<Both>(both, (answer, both) => { both.a = textOf(answer); both.done(); });
    asyncBus.request("b", body)
      .chain<i32, Answer>(0, (first, none) => asyncBus.request("c", first.value.body))
      .then<Both>(both, (answer, both) => { both.b = textOf(answer); both.done(); });
    return both.reply;
  }
  if (subject == "give-up") {
    const asked = asyncBus.request("never", body);
    return asyncBus.sleep(40).map<Future<Answer>, Reply>(asked, (slept, asked) =>
      fail(Failure.timedOut(asked.cancel() ? "gave up" : "too late")));
  }
  if (subject == "throw")
    return asyncBus.request(body, "q").map<i32, Reply>(0, (answer, none) => { throw new Error("after the answer"); });
  if (subject == "never") return new Future<Reply>();
  return Future.of(noReply());
}
`;

const log: string[] = [];
const world = (bus: SlowBus) => ({
  'motehost:agent/async-bus': bus.imports,
  'motehost:agent/log': { enabled: () => true, write: (_level: string, text: string) => void log.push(text) },
});

describe('asynchronous agents in AssemblyScript', () => {
  let bytes: Uint8Array;

  before(async () => {
    ({ bytes } = await writtenAgent(source, { world: 'async-handler', release: true, countBlocks: true }));
  });

  async function start(): Promise<{ agent: AsyncAgent; bus: SlowBus; free: () => Promise<void> }> {
    const bus = new SlowBus();
    const agent = await AsyncAgent.of(bytes, world(bus));
    return { agent, bus, free: async () => assert.equal(await agent.handle('live'), '0') };
  }

  test('an answer comes at once, later, or as an error', async () => {
    const { agent, bus, free } = await start();
    assert.equal(await agent.handle('one', 'echo'), 'echo=q');
    const later = agent.handle('one', 'price');
    await turn();
    assert.equal(agent.instance.asyncCalls?.waiting, true);
    bus.answer('price', '42');
    assert.equal(await later, 'price=42');
    assert.deepEqual(await agent.handle('one', 'denied'), { tag: 'unavailable', val: 'denied' });
    const refused = agent.handle('one', 'slow');
    await turn();
    bus.refuse('slow', 'timed-out');
    assert.deepEqual(await refused, { tag: 'unavailable', val: 'timed-out' });
    await free();
    assert.equal(await agent.handle('nothing'), undefined);
  });

  test('many requests are under way at once, answered in any order', async () => {
    const { agent, bus, free } = await start();
    const names = Array.from({ length: 300 }, (_, index) => `n${index}`);
    for (let round = 0; round < 3; round += 1) {
      const all = agent.handle('all', [...names, 'echo', 'denied'].join(' '));
      // A guest that computes lets the event loop turn now and then, the more often the busier the machine is.
      while (bus.asked.length < (round + 1) * (names.length + 2)) await turn();
      for (const name of names.toReversed()) bus.answer(name);
      assert.deepEqual(((await all) as string).split(' '), [
        ...names.map((name) => `${name}!`),
        'echo',
        'denied',
      ]);
    }
    assert.deepEqual(agent.instance.asyncCalls?.pending, []);
    await free();
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

  test('a request can be given up', async () => {
    const { agent, bus, free } = await start();
    const given = agent.handle('give-up');
    await turn();
    bus.answer('40 ms');
    assert.deepEqual(await given, { tag: 'timed-out', val: 'gave up' });
    assert.deepEqual(bus.givenUp, ['never']);
    await free();
  });

  test('a throw after a wait is written down and ends the instance', async () => {
    const { agent, bus } = await start();
    const call = agent.handle('throw', 'q');
    const ended = assert.rejects(call);
    await turn();
    bus.answer('q');
    await ended;
    assert.equal(log.at(-1), 'after the answer');
  });

  test('a future that nobody resolves is found out', async () => {
    const { agent } = await start();
    await assert.rejects(agent.handle('never'), /waits for ever/);
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
});

test('an agent with a life may wait in start and stop, and a missing export is explained', async () => {
  const life = `
import { Config, Failure, Future, Message, Reply, Result, StopReason, Unit, asyncBus, done, reply, utf8 } from "motehost:agent";
let count: i32 = 0;
export function start(config: Config): Future<Result<Unit, Failure>> {
  return asyncBus.request("first", config.name).map<i32, Result<Unit, Failure>>(0, (answer, none) => {
    count = <i32>parseInt(utf8.decode(answer.value.body));
    return done<Failure>();
  });
}
export function handle(message: Message): Future<Reply> {
  return asyncBus.sleep(1).map<i32, Reply>(0, (slept, none) => reply((++count).toString()));
}
`;
  const stop = `
export function stop(reason: StopReason): Future<Unit> {
  return asyncBus.request("echo", count.toString()).map<i32, Unit>(0, (answer, none) => true);
}
`;
  await assert.rejects(
    writtenAgent(life, { world: 'async-agent' }),
    /export function stop\(reason: StopReason\): Future<Unit>/,
  );
  const { bytes } = await writtenAgent(life + stop, { world: 'async-agent' });
  const bus = new SlowBus();
  const { instance } = await AsyncAgent.of(bytes, world(bus));
  const started = instance.call('start', [{ name: 'counter', settings: [], resumed: false }]);
  await turn();
  bus.answer('first', '40');
  assert.deepEqual(await started, { tag: 'ok', val: undefined });
  const call = instance.call('handle', [messageOf('count')]);
  await turn();
  bus.answer('1 ms');
  assert.equal(textOf(((await call) as { val: Uint8Array }).val), '41');
  await instance.call('stop', [{ tag: 'idle' }]);
  assert.deepEqual(bus.asked.at(-1), { subject: 'echo', timeoutMs: 0, body: '41' });
});

test('any world may have asynchronous functions, with any types', async () => {
  const wit = `package test:any@1.0.0;
interface far {
  record point { x: s32, name: string }
  many: async func(a: u8, b: string, c: list<point>, d: option<u64>) -> list<point>;
  plain: async func() -> f64;
  nothing: async func(a: bool);
}
interface near { use far.{point}; mirror: async func(points: list<point>) -> tuple<u32, list<point>, option<string>>; }
world w { import far; export near; export go: async func(n: u32) -> string; }`;
  const { bytes } = await writtenAgent(
    `
import { Box, Future, Tuple3 } from "motehost:std";
import { Point, many, nothing, plain } from "test:any/far";
export namespace near {
  export function mirror(points: Point[]): Future<Tuple3<u32, Point[], string | null>> {
    return many(7, "b", points, new Box<u64>(9)).map<i32, Tuple3<u32, Point[], string | null>>(0, (back, none) =>
      new Tuple3<u32, Point[], string | null>(back.length, back, back.length == 0 ? null : back[0].name));
  }
}
export function go(n: u32): Future<string> {
  return nothing(true).chain<u32, f64>(n, (done, n) => plain()).map<u32, string>(n, (value, n) => value.toString() + "/" + n.toString());
}`,
    { wit },
  );
  const later = (value: unknown) => () => turn().then(() => value);
  const seen: unknown[][] = [];
  const { instance } = await AsyncAgent.of(
    bytes,
    {
      'test:any/far': {
        many: (...args: unknown[]) => {
          seen.push(args);
          return turn().then(() => args[2]);
        },
        plain: later(1.5),
        nothing: later(undefined),
      },
    },
    undefined,
    '1.0.0',
  );
  const points = [
    { x: -1, name: 'one' },
    { x: 2, name: 'zwei' },
  ];
  assert.deepEqual(await instance.call('test:any/near@1.0.0#mirror', [points]), [2, points, 'one']);
  assert.deepEqual(seen, [[7, 'b', points, 9n]]);
  assert.deepEqual(await instance.call('test:any/near@1.0.0#mirror', [[]]), [0, [], undefined]);
  assert.equal(await instance.call('go', [3]), '1.5/3');
});
