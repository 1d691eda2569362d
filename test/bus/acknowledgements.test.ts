import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Runs } from '../../host/bus/runs.ts';
import { atOnce, Buses, text } from '../support/buses.ts';

const kept = { guarantee: 'at-least-once' } as const;

test('what was dealt with in one turn is told in one frame, as runs', async () => {
  let entries = 0;
  const settled: (readonly number[])[] = [];
  const journal = {
    accepted: () => ++entries,
    settled: (first: number, count = 1) => void settled.push([first, count]),
    read: () => new Map(),
    withdrawn: () => {},
    attempted: () => {},
    died: () => {},
    flushed: async () => {},
  };
  const buses = new Buses(2, { journal });
  const [here, there] = [buses.agent('here'), buses.agent('there', { thread: 1 })];
  for (const words of ['1', '2', '3']) atOnce(buses.bus.send(here, 'there', text(words), kept));
  atOnce(buses.bus.send(here, 'here', text('4'), kept));
  for (const words of ['5', '6']) atOnce(buses.bus.send(here, 'there', text(words), kept));
  buses.isDeferred = true;
  there.work();
  assert.deepEqual(buses.frames, []);
  await turn();
  assert.deepEqual(
    buses.frames.map(({ to, frame }) => [to, frame]),
    [[0, { kind: 'settled', runs: [1, 3, 5, 2] }]],
  );
  buses.carry();
  assert.deepEqual(settled, [
    [1, 3],
    [5, 2],
  ]);
});

test('who asks for it is told before the turn ends, and once', async () => {
  const buses = new Buses(2, {
    journal: {
      accepted: () => 7,
      settled: () => {},
      read: () => new Map(),
      withdrawn: () => {},
      attempted: () => {},
      died: () => {},
      flushed: async () => {},
    },
  });
  const [here, there] = [buses.agent('here'), buses.agent('there', { thread: 1 })];
  atOnce(buses.bus.send(here, 'there', text('1'), kept));
  there.work();
  buses.isDeferred = true;
  there.bus.acknowledge();
  assert.equal(buses.frames.length, 1);
  await turn();
  there.bus.acknowledge();
  assert.equal(buses.frames.length, 1);
});

test('runs join what follows and nothing else', () => {
  const runs = new Runs();
  for (const entry of [5, 6, 7, 9, 8, 10]) runs.add(entry);
  runs.add(11, 3);
  assert.deepEqual(runs.pairs, [5, 3, 9, 1, 8, 1, 10, 4]);
});
