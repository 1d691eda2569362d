import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spread } from '../../host/orchestration/gossip.ts';
import { Topology, type TopologyKind, topologyKinds } from '../../host/orchestration/topology.ts';
import { fc } from '../support/properties.ts';

const membersOf = (count: number): string[] => Array.from({ length: count }, (_, index) => `m${index}`);

/** The same numbers for the same seed. */
function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function isConnected(topology: Topology): boolean {
  const [first] = topology.members;
  if (first === undefined) return true;
  const seen = new Set([first]);
  for (const member of seen) for (const next of topology.neighbours(member)) seen.add(next);
  return seen.size === topology.size;
}

const shapes: Readonly<Record<TopologyKind, readonly string[]>> = {
  mesh: ['m1 m2 m3 m4', 'm0 m2 m3 m4', 'm0 m1 m3 m4', 'm0 m1 m2 m4', 'm0 m1 m2 m3'],
  ring: ['m4 m1', 'm0 m2', 'm1 m3', 'm2 m4', 'm3 m0'],
  star: ['m1 m2 m3 m4', 'm0', 'm0', 'm0', 'm0'],
  hierarchical: ['m1 m2', 'm0 m3 m4', 'm0', 'm1', 'm1'],
};

for (const kind of topologyKinds)
  test(`${kind}: who is next to whom, and it is whole whoever leaves`, () => {
    const five = new Topology(kind, membersOf(5));
    assert.deepEqual(
      five.members.map((member) => five.neighbours(member).join(' ')),
      shapes[kind],
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 20 }),
        fc.array(fc.nat(25), { maxLength: 40 }),
        (count, changes) => {
          const topology = new Topology(kind, membersOf(count));
          for (const change of changes) {
            const member = `m${change}`;
            if (topology.has(member)) topology.remove(member);
            else topology.add(member);
            assert.ok(isConnected(topology), topology.members.join(' '));
            for (const one of topology.members)
              for (const next of topology.neighbours(one)) assert.ok(topology.neighbours(next).includes(one));
            assert.deepEqual(
              topology.neighbours(member).length > 0,
              topology.has(member) && topology.size > 1,
            );
          }
        },
      ),
      { numRuns: 50 },
    );
  });

for (const kind of topologyKinds)
  test(`gossip over a ${kind}: everybody who can be told is, once, whoever cannot be`, async () => {
    const scene = fc.record({
      count: fc.integer({ min: 1, max: 30 }),
      deaf: fc.uniqueArray(fc.nat(29), { maxLength: 12 }),
      seed: fc.nat(),
      fanout: fc.integer({ min: 1, max: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(scene, async ({ count, deaf, seed, fanout }) => {
        const members = membersOf(count);
        const silent = new Set(deaf.map((one) => `m${one}`).filter((one) => one !== 'm0'));
        const told: string[] = [];
        const coverage = await spread({
          kind,
          members,
          origin: 'm0',
          fanout,
          random: dice(seed),
          tell: (member) => {
            if (silent.has(member)) throw new Error('deaf');
            told.push(member);
            return true;
          },
        });
        const expected = members.slice(1).filter((member) => !silent.has(member));
        assert.deepEqual([...told].sort(), [...expected].sort());
        assert.deepEqual([...coverage.reached], expected);
        assert.deepEqual([...coverage.missed].sort(), members.filter((member) => silent.has(member)).sort());
      }),
      { numRuns: 80 },
    );
  });

test('a mesh of 100 is covered in few rounds of three', async () => {
  const rounds: number[] = [];
  for (let seed = 0; seed < 20; seed += 1) {
    const { reached, rounds: took } = await spread({
      kind: 'mesh',
      members: membersOf(100),
      origin: 'm0',
      random: dice(seed),
      tell: () => true,
    });
    assert.equal(reached.length, 99);
    rounds.push(took);
  }
  assert.ok(Math.max(...rounds) <= 12, rounds.join(' '));
});

test('somebody who is no member tells the first one; rounds are bounded; who gives up tells nobody more', async () => {
  const outside = await spread({
    kind: 'ring',
    members: membersOf(4),
    origin: 'x',
    random: dice(1),
    tell: () => true,
  });
  assert.equal(outside.reached.length, 4);
  const short = await spread({
    kind: 'ring',
    members: membersOf(9),
    origin: 'm0',
    roundsMax: 2,
    random: dice(1),
    tell: () => true,
  });
  assert.deepEqual([short.reached.length, short.missed.length, short.rounds], [4, 4, 2]);
  const signal = AbortSignal.abort();
  const none = await spread({
    kind: 'mesh',
    members: membersOf(4),
    origin: 'm0',
    signal,
    random: dice(1),
    tell: () => true,
  });
  assert.deepEqual([none.reached.length, none.rounds], [0, 0]);
});
