import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Luggage } from '../../host/agent/luggage.ts';
import { Registry } from '../../host/agent/registry.ts';
import { Directory, defaultMailbox, isOnTheWay } from '../../host/bus/directory.ts';
import { systemRandom } from '../../host/clock.ts';
import { prepareProgram } from '../../host/engine/prepare.ts';
import { loadProgram } from '../../host/engine/program.ts';
import { Moves, type Station } from '../../host/host/thread/moves.ts';
import { specOf } from '../agent/memory-thread.ts';
import { agentGuest } from '../support/agent-guest.ts';
import { fc } from '../support/properties.ts';

const program = loadProgram(await prepareProgram(await agentGuest('a'), () => {}));
const spec = specOf(program);
const origin = { manifestPath: undefined, manifestText: '', installedAtMs: 0 };
const names = ['a', 'b', 'c', 'd'];
const points = ['candidates', 'leave', 'arrive'] as const;
type Point = (typeof points)[number];

/** When a thread is lost: before or after it does what it is asked, at one of these points. */
interface Loss {
  readonly thread: number;
  readonly at: Point;
  readonly isAfter: boolean;
}

/** Two threads of which one may be lost at any point of a move; who has which agents in memory. */
class Host {
  readonly directory: Directory = Directory.create(100, systemRandom);
  readonly registry: Registry = new Registry(this.directory);
  readonly homes: ReadonlyMap<number, Set<number>> = new Map([1, 2].map((one) => [one, new Set<number>()]));
  readonly lost = new Set<number>();
  readonly released: number[] = [];
  readonly moves: Moves;
  readonly #losses: readonly Loss[];
  readonly #staying: ReadonlySet<string>;

  constructor(losses: readonly Loss[], staying: readonly string[]) {
    this.#losses = losses;
    this.#staying = new Set(staying);
    for (const name of names) {
      const id = this.directory.add(name, defaultMailbox, 'at-least-once');
      this.registry.add(id, name, spec, origin, [1]);
      this.directory.place(id, 1);
      this.homes.get(1)?.add(id);
    }
    this.moves = new Moves({
      station: (thread) => (this.lost.has(thread) ? undefined : this.#station(thread)),
      directory: this.directory,
      registry: this.registry,
      released: (agents) => {
        for (const { id } of agents) {
          assert.ok(!isOnTheWay(this.directory.ownerOf(id)), 'let go of before it is anywhere');
          this.released.push(id);
        }
      },
    });
  }

  #station(thread: number): Station {
    const isHere = (): boolean => !this.lost.has(thread);
    const home = this.homes.get(thread) as Set<number>;
    const during = async <T>(at: Point, act: () => T): Promise<T> => {
      this.#strike(at, false);
      if (!isHere()) throw new Error('the thread was lost');
      const done = act();
      this.#strike(at, true);
      await Promise.resolve();
      // What it did and could not tell.
      if (!isHere() && this.#losses.some((loss) => loss.thread === thread && loss.at !== at))
        throw new Error('lost');
      return done;
    };
    return {
      number: thread,
      get isHere() {
        return isHere();
      },
      candidates: (max) => during('candidates', () => [...home].slice(0, max)),
      leave: (ids) =>
        during('leave', () => {
          for (const id of ids) assert.ok(isOnTheWay(this.directory.ownerOf(id)));
          return ids.map((id) => (this.#staying.has(this.#nameOf(id)) ? undefined : this.#pack(id, home)));
        }),
      arrive: (_spec, luggage) =>
        during('arrive', () => {
          for (const { id } of luggage) home.add(id);
        }),
    };
  }

  #nameOf(id: number): string {
    return [...this.registry.recordsOf([id])][0]?.name ?? '';
  }

  #pack(id: number, home: Set<number>): Luggage {
    home.delete(id);
    return {
      ...{ id, name: this.#nameOf(id), bus: { sent: [], received: [], tokens: undefined }, profile: [] },
      bonds: { isSupervised: false, isTied: false },
      agent: {
        ...{ handled: 0, failed: 0, fuel: 0n, memoryBytes: 0, lastError: undefined, losses: 0, life: 2 },
        ...{ hasLived: true, snapshot: undefined },
      },
    };
  }

  /** As when the main thread hears of a loss. */
  #strike(at: Point, isAfter: boolean): void {
    for (const loss of this.#losses) {
      if (loss.at !== at || loss.isAfter !== isAfter || this.lost.has(loss.thread)) continue;
      this.lost.add(loss.thread);
      this.homes.get(loss.thread)?.clear();
      for (const { id, thread } of this.registry.records())
        if (thread === loss.thread) this.directory.suspend(id, thread);
    }
  }
}

const losses = fc.array(
  fc.record({ thread: fc.constantFrom(1, 2), at: fc.constantFrom(...points), isAfter: fc.boolean() }),
  { maxLength: 2 },
);

test('whichever threads are lost at whatever point of a move, each agent is on one thread or awaited on one', async () => {
  await fc.assert(
    fc.asyncProperty(
      losses,
      fc.subarray(names),
      fc.integer({ min: 1, max: 5 }),
      async (all, staying, max) => {
        const host = new Host(all, staying);
        const moved = await host.moves.steal(2, 1, max).catch(() => 0);
        for (const { id, thread } of host.registry.records()) {
          const owner = host.directory.ownerOf(id);
          const here = [...host.homes].filter(([, ids]) => ids.has(id)).map(([number]) => number);
          if (host.lost.has(thread)) assert.deepEqual([owner, here], [-2 - thread, []]);
          else assert.deepEqual([owner, here], [thread, [thread]]);
        }
        const onSecond = [...host.registry.records()].filter(({ thread }) => thread === 2).length;
        assert.equal(onSecond, moved);
        assert.equal(host.moves.counts.moved, moved);
        if (all.length > 0) return;
        const wanted = names.slice(0, max).filter((name) => !staying.includes(name));
        assert.deepEqual([moved, host.released.length], [wanted.length, Math.min(max, names.length)]);
        assert.equal(host.registry.agentsOf(2), moved);
      },
    ),
    { numRuns: 400 },
  );
});

test('whoever asks where an agent is while it moves is told where it goes', async () => {
  const host = new Host([], []);
  const [record] = host.registry.records();
  assert.ok(record);
  const moving = host.moves.steal(2, 1, 1);
  for (let at = 0; at < 3; at++) await Promise.resolve();
  assert.ok(isOnTheWay(host.directory.ownerOf(record.id)));
  await host.moves.settled(record.id);
  assert.equal(host.registry.get(record.name)?.thread, 2);
  assert.equal(await moving, 1);
  await host.moves.done();
});
