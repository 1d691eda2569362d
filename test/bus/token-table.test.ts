import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TokenTable } from '../../host/bus/token-table.ts';

interface Entry {
  readonly token: number;
  readonly name: string;
}

test('tokens that follow each other are found, and those that were deleted are not', () => {
  const table = new TokenTable<Entry>();
  for (let token = 1; token <= 100_000; token += 1) {
    assert.ok(table.isFree(token));
    table.set({ token, name: `n${token}` });
    // Ten stay at a time, as requests do that wait for their answers.
    table.delete(token - 10);
    assert.equal(table.get(token - 10), undefined);
    assert.equal(table.get(token)?.name, `n${token}`);
  }
  assert.equal(table.size, 10);
  assert.deepEqual(
    table
      .all()
      .map(({ token }) => token)
      .sort((a, b) => a - b),
    Array.from({ length: 10 }, (_, at) => 99_991 + at),
  );
});

test('a place that a value has held for long is not free, and the value stays', () => {
  const table = new TokenTable<Entry>();
  table.set({ token: 5, name: 'old' });
  const taken = [];
  for (let token = 6; token < 5 + 64 * 8; token += 1) if (!table.isFree(token)) taken.push(token);
  assert.deepEqual(taken, [69, 133, 197, 261, 325, 389, 453]);
  assert.equal(table.get(5)?.name, 'old');
  assert.equal(table.get(69), undefined);
  table.delete(69);
  assert.equal(table.get(5)?.name, 'old');
});

test('values whose tokens meet in a small table are all kept', () => {
  const table = new TokenTable<Entry>();
  for (const token of [1, 1 + 64, 1 + 128, 1 + 4096]) table.set({ token, name: `n${token}` });
  for (const token of [1, 65, 129, 4097]) assert.equal(table.get(token)?.name, `n${token}`);
  table.set({ token: 65, name: 'another' });
  assert.equal(table.size, 4);
  assert.equal(table.get(65)?.name, 'another');
});
