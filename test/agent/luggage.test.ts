import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counterProgram, MemoryThread } from './memory-thread.ts';

const counter = await counterProgram();

/** A test with two threads of its own. */
function between(act: (here: MemoryThread, there: MemoryThread) => Promise<void>): () => Promise<void> {
  return async () => {
    const threads = [await MemoryThread.open(), await MemoryThread.open()] as const;
    try {
      await act(...threads);
    } finally {
      for (const thread of threads) await thread.close();
    }
  };
}

test(
  'an agent goes on elsewhere where it was, with what it did, and nothing of it stays',
  between(async (here, there) => {
    const agent = here.agent(counter);
    assert.deepEqual([await here.ask(agent), await here.ask(agent)], ['1', '2']);
    // In memory it may go, and cannot yet.
    assert.deepEqual([agent.mayBePacked, agent.pack()], [true, undefined]);
    await agent.hibernate();
    const { fuel } = agent;
    const luggage = structuredClone(agent.pack());
    assert.ok(luggage);
    assert.deepEqual([agent.phase, agent.saved, here.room.warmBytes], ['absent', undefined, 0]);
    const same = there.agent(counter);
    same.unpack(luggage);
    assert.deepEqual(
      [same.phase, same.lifecycle.state, same.handled, same.fuel],
      ['hibernated', 'ready', 2, fuel],
    );
    assert.ok(there.room.warmBytes > 0);
    assert.equal(await there.ask(same), '3');
    assert.deepEqual([same.handled, there.room.warmBytes], [3, 0]);
    assert.ok(!there.notes.some(({ kind }) => kind === 'started'), 'it has not begun anew');
  }),
);

test(
  'a state that was read from the disk goes along; one that never began begins there',
  between(async (here, there) => {
    const agent = here.agent(counter);
    await here.ask(agent);
    await agent.hibernate();
    const { saved } = agent;
    assert.ok(saved?.kind === 'warm');
    agent.cool();
    assert.deepEqual([agent.mayBePacked, agent.pack()], [true, undefined]);
    agent.thaw(saved.snapshot);
    const luggage = agent.pack();
    assert.ok(luggage?.snapshot);
    const same = there.agent(counter);
    same.unpack(luggage);
    assert.equal(await there.ask(same), '2');
    const fresh = here.agent(counter).pack();
    assert.ok(fresh && fresh.snapshot === undefined && !fresh.hasLived);
    const begun = there.agent(counter);
    begun.unpack(fresh);
    assert.deepEqual([begun.lifecycle.state, await there.ask(begun)], ['created', '1']);
  }),
);

test(
  'who is in the middle of a message or paused does not go',
  between(async (here) => {
    const agent = here.agent(counter);
    const asked = here.ask(agent);
    assert.deepEqual([agent.mayBePacked, agent.pack()], [false, undefined]);
    await asked;
    agent.haltBy({ kind: 'paused', why: 'a test', messages: [] });
    assert.deepEqual([agent.mayBePacked, agent.pack()], [false, undefined]);
    agent.haltBy(undefined);
    assert.equal(agent.mayBePacked, true);
  }),
);
