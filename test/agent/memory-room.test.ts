import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { newResidence } from '../../host/engine/residence.ts';
import { counterProgram, MemoryThread, type MemoryThreadOptions, specOf } from './memory-thread.ts';

const counter = await counterProgram();
const other = await counterProgram(10);
/** Of the machine's own clock, for what the disk does. */
const patienceMs = 10_000;
const quick = '[hibernate]\nafter = "1s"\n';

type Act = (thread: MemoryThread) => Promise<void>;

/** A test with a thread of its own. */
function on(options: MemoryThreadOptions, act: Act): () => Promise<void> {
  return async () => {
    const thread = await MemoryThread.open(options);
    try {
      await act(thread);
    } finally {
      await thread.close();
    }
  };
}

test(
  'an agent that was idle for its time leaves memory, one that was not stays, and both go on where they were',
  on({}, async (thread) => {
    const [idle, busy] = [thread.agent(counter, quick), thread.agent(counter, quick)];
    assert.equal(await thread.ask(idle), '1');
    await thread.sweepAfter(600);
    assert.equal(await thread.ask(busy), '1');
    await thread.sweepAfter(600);
    assert.deepEqual([idle.phase, busy.phase], ['hibernated', 'idle']);
    assert.ok(thread.room.warmBytes > 0);
    assert.equal(thread.pools.idle, 1);
    assert.deepEqual([await thread.ask(idle), await thread.ask(busy)], ['2', '2']);
    assert.equal(thread.room.warmBytes, 0);
  }),
);

test(
  'an agent that never hibernates stays however long it is idle',
  on({}, async (thread) => {
    const agent = thread.agent(counter, '[hibernate]\nafter = "never"\n');
    await thread.ask(agent);
    await thread.sweepAfter(1e9);
    assert.equal(agent.phase, 'idle');
  }),
);

test(
  'beyond the bound of the heap the oldest states go to disk, and come back from there once',
  on({ warmBytesMax: 1 }, async (thread) => {
    const agents = [thread.agent(counter, quick), thread.agent(counter, quick)];
    for (const agent of agents) await thread.ask(agent);
    await thread.sweepAfter(1000);
    await until(() => thread.cooled.length === 2);
    assert.deepEqual(thread.cooled, ['agent-1', 'agent-2']);
    assert.deepEqual([thread.room.warmBytes, thread.store.size], [0, 2]);
    for (const agent of agents) {
      assert.equal(agent.phase, 'cold');
      assert.equal(await thread.ask(agent), '2');
    }
    assert.equal(thread.store.size, 0);
  }),
);

test(
  'an agent that wakes while its state is on the way to the disk leaves nothing there',
  on({ warmBytesMax: 1 }, async (thread) => {
    const agent = thread.agent(counter, quick);
    await thread.ask(agent);
    thread.store.held = Promise.withResolvers();
    await thread.sweepAfter(1000);
    assert.equal(thread.store.puts, 1);
    assert.equal(await thread.ask(agent), '2');
    thread.store.held.resolve();
    await until(() => thread.store.size === 0 && thread.room.warmBytes === 0);
    assert.deepEqual([agent.phase, thread.cooled], ['idle', []]);
    assert.equal(await thread.ask(agent), '3');
  }),
);

test(
  'one that wakes and falls asleep again meanwhile goes on from its later state',
  on({ warmBytesMax: 1 }, async (thread) => {
    const agent = thread.agent(counter, quick);
    await thread.ask(agent);
    thread.store.held = Promise.withResolvers();
    await thread.sweepAfter(1000);
    await thread.ask(agent);
    await thread.sweepAfter(1000);
    assert.equal(agent.phase, 'hibernated');
    thread.store.held.resolve();
    thread.store.held = undefined;
    await until(() => thread.cooled.length === 1);
    assert.equal(await thread.ask(agent), '3');
    assert.deepEqual([thread.store.size, thread.room.warmBytes], [0, 0]);
  }),
);

test(
  'an agent that is removed while it sleeps, or is on the way to the disk, leaves nothing behind',
  on({ warmBytesMax: 2_000 }, async (thread) => {
    const [first, second] = [thread.agent(counter, quick), thread.agent(counter, quick)];
    await thread.ask(first);
    await thread.sweepAfter(1000);
    await thread.remove(first);
    assert.equal(thread.room.warmBytes, 0);
    await thread.ask(second);
    const third = thread.agent(counter, quick);
    await thread.ask(third);
    const fourth = thread.agent(counter, quick);
    await thread.ask(fourth);
    thread.store.held = Promise.withResolvers();
    await thread.sweepAfter(1000);
    assert.ok(thread.store.puts > 0);
    const removals = Promise.all([second, third, fourth].map((agent) => thread.remove(agent)));
    thread.store.held.resolve();
    await removals;
    await until(() => thread.store.size === 0 && thread.room.warmBytes === 0);
  }),
);

test(
  'a message that comes while its agent leaves memory finds its state, and the heap is counted right',
  on({}, async (thread) => {
    const agent = thread.agent(counter, quick);
    await thread.ask(agent);
    await thread.clock.pass(1000);
    const sweeping = thread.room.sweep();
    assert.equal(agent.phase, 'leaving');
    assert.equal(await thread.ask(agent), '2');
    await sweeping;
    assert.deepEqual([agent.phase, thread.room.warmBytes], ['idle', 0]);
  }),
);

test(
  'a sweep that begins while another runs does nothing of its own',
  on({}, async (thread) => {
    const agents = Array.from({ length: 5 }, () => thread.agent(counter, quick));
    for (const agent of agents) await thread.ask(agent);
    await thread.clock.pass(1000);
    await Promise.all([thread.room.sweep(), thread.room.sweep()]);
    assert.ok(agents.every(({ phase }) => phase === 'hibernated'));
    assert.equal(thread.pools.idle, 5);
    assert.deepEqual(
      thread.notes.filter(({ kind }) => kind === 'refused'),
      [],
    );
  }),
);

test(
  'the state of another version is not used: the agent begins anew and it is told',
  on({ warmBytesMax: 1 }, async (thread) => {
    const agent = thread.agent(counter, quick);
    await thread.ask(agent);
    await thread.sweepAfter(1000);
    await until(() => agent.phase === 'cold');
    agent.replace(specOf(other, quick));
    assert.equal(await thread.ask(agent), '10');
    assert.deepEqual(thread.lost, ['HOST_ERR_SNAPSHOT_MISMATCH']);
    assert.equal(thread.store.size, 0);
  }),
);

test(
  'a damaged state is not used: the agent begins anew and it is told',
  on({}, async (thread) => {
    const agent = thread.agent(counter, quick);
    await thread.ask(agent);
    await thread.sweepAfter(1000);
    const { saved } = agent;
    assert.ok(saved?.kind === 'warm');
    const { snapshot } = saved;
    await thread.store.put(agent.name, { ...snapshot, globals: snapshot.globals.slice(1) });
    agent.cool();
    assert.equal(await thread.ask(agent), '1');
    assert.deepEqual(thread.lost, ['HOST_ERR_SNAPSHOT_CORRUPT']);
    assert.equal(thread.store.size, 0);
  }),
);

test(
  'a disk that takes nothing leaves states in the heap, and is tried again after a while',
  on({ warmBytesMax: 1 }, async (thread) => {
    const [one, two] = [thread.agent(counter, quick), thread.agent(counter, quick)];
    thread.store.isFull = true;
    for (const agent of [one, two]) await thread.ask(agent);
    await thread.sweepAfter(1000);
    await until(() => thread.lost.length > 0);
    assert.deepEqual([one.phase, two.phase], ['hibernated', 'hibernated']);
    const { puts } = thread.store;
    assert.equal(await thread.ask(one), '2');
    await thread.sweepAfter(999);
    assert.equal(thread.store.puts, puts);
    thread.store.isFull = false;
    await thread.sweepAfter(1);
    await until(() => thread.cooled.length === 2);
    assert.deepEqual([await thread.ask(one), await thread.ask(two)], ['3', '2']);
  }),
);

test(
  'when the process is full the agent that is idle longest leaves, however long it might stay',
  on({ memoriesMax: 2 }, async (thread) => {
    const stays = '[hibernate]\nafter = "never"\n';
    const agents = Array.from({ length: 3 }, () => thread.agent(counter, stays));
    for (const agent of agents) {
      assert.equal(await thread.ask(agent), '1');
      await thread.clock.pass(1);
    }
    assert.deepEqual(agents.map(({ phase }) => phase)[0], 'hibernated');
    for (const agent of agents) assert.equal(await thread.ask(agent), '2');
    assert.ok(thread.residence.memories <= 2);
  }),
);

test(
  'an instance of another program goes where there is no room for one more',
  on({ memoriesMax: 2 }, async (thread) => {
    const agents = [thread.agent(counter), thread.agent(counter), thread.agent(other)];
    const answers: string[] = [];
    for (const agent of agents) answers.push(await thread.ask(agent));
    assert.deepEqual(answers, ['1', '1', '10']);
    assert.ok(thread.residence.memories <= 2);
  }),
);

test(
  'where nobody can leave a call waits, until its deadline, and is told that there is no room',
  on({ memoriesMax: 1 }, async (thread) => {
    thread.residence.acquireMemories(1);
    const agent = thread.agent(counter);
    const late = thread.ask(agent, 100);
    await thread.clock.pass(200);
    assert.equal(await late, 'unavailable');
    assert.match(agent.lastError ?? '', /1 memories of at most 1/);
    const patient = thread.ask(agent, 100);
    await thread.clock.pass(50);
    thread.residence.releaseMemories(1);
    await thread.clock.pass(50);
    assert.equal(await patient, '1');
    assert.equal(thread.residence.areWaiting, false);
  }),
);

test(
  'a saved state outlives a wake for which there was no room, in the heap and on disk',
  on({ warmBytesMax: 0 }, async (thread) => {
    const agent = thread.agent(counter, quick);
    await thread.ask(agent);
    await thread.sweepAfter(1000);
    await until(() => agent.phase === 'cold');
    await full(thread, async () => {
      assert.equal(await answerInTime(thread, thread.ask(agent, 100)), 'unavailable');
      assert.equal(agent.phase, 'cold');
    });
    assert.equal(await thread.ask(agent), '2');
    thread.store.isFull = true;
    await thread.sweepAfter(1000);
    await full(thread, async () => {
      assert.equal(await answerInTime(thread, thread.ask(agent, 100)), 'unavailable');
      assert.equal(agent.phase, 'hibernated');
      assert.ok(thread.room.warmBytes > 0);
    });
    assert.equal(await thread.ask(agent), '3');
    assert.equal(thread.room.warmBytes, 0);
  }),
);

test('a thread whose agents are idle makes room for another that has none', async () => {
  const share = newResidence(2, { memoriesMax: 2, stacksPerThreadMax: 10 });
  const [rich, poor] = [
    await MemoryThread.open({ share, thread: 0 }),
    await MemoryThread.open({ share, thread: 1 }),
  ];
  const idle = [rich.agent(counter), rich.agent(counter)];
  for (const agent of idle) await rich.ask(agent);
  const agent = poor.agent(counter);
  const answer = poor.ask(agent, 10_000);
  await until(() => rich.residence.areWaiting);
  await rich.room.sweep();
  await poor.clock.pass(100);
  assert.equal(await answer, '1');
  assert.ok(idle.every(({ phase }) => phase === 'hibernated'));
  assert.equal(rich.residence.areWaiting, false);
  await rich.close();
  await poor.close();
});

test(
  'when the host ends every state goes to the disk',
  on({}, async (thread) => {
    const agents = Array.from({ length: 90 }, () => thread.agent(counter));
    for (const agent of agents) await thread.ask(agent);
    await thread.room.empty();
    assert.equal(thread.store.size, 90);
    assert.ok(agents.every(({ phase }) => phase === 'cold'));
  }),
);

/** Nothing is free while `act` lasts. */
async function full(thread: MemoryThread, act: () => Promise<void>): Promise<void> {
  thread.pools.shrink(Number.POSITIVE_INFINITY);
  await thread.residence.collect();
  const free = thread.residence.bounds.memoriesMax - thread.residence.memories;
  thread.residence.acquireMemories(free);
  await act();
  thread.residence.releaseMemories(free);
}

/** Lets time pass until the answer is there. */
async function answerInTime(thread: MemoryThread, asked: Promise<string>): Promise<string> {
  let answer: string | undefined;
  void asked.then((said) => {
    answer = said;
  });
  const untilMs = performance.now() + patienceMs;
  while (answer === undefined && performance.now() < untilMs) await thread.clock.pass(5);
  return answer ?? 'no answer';
}

async function until(isSo: () => boolean): Promise<void> {
  const untilMs = performance.now() + patienceMs;
  while (!isSo() && performance.now() < untilMs) await turn();
  assert.ok(isSo(), 'it never came to be');
}
