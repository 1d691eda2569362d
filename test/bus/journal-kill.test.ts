import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { open, temporary } from './journal-parts.ts';

const child = join(import.meta.dirname, 'journal-kill-child.ts');

interface Said {
  readonly accepted: Set<string>;
  /** About to be settled: it may have been on disk when it was killed, or not. */
  readonly settling: Set<string>;
  readonly settled: Set<string>;
}

/** Runs the child until it has said so many lines, and kills it where it then is. */
async function killAfter(t: TestContext, folder: string, run: number, lines: number): Promise<Said> {
  const running = spawn(process.execPath, [child, folder, String(run)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => running.kill('SIGKILL'));
  const said = { accepted: new Set<string>(), settling: new Set<string>(), settled: new Set<string>() };
  const sets = new Map(Object.entries(said));
  let count = 0;
  for await (const line of createInterface(running.stdout)) {
    const [word = '', ...ids] = line.split(' ');
    for (const id of ids) sets.get(word)?.add(id);
    count += 1;
    // The lines still in the pipe are read to their end.
    if (count === lines) running.kill('SIGKILL');
  }
  if (running.signalCode === null) await once(running, 'exit');
  assert.equal(running.signalCode, 'SIGKILL');
  return said;
}

test('kill -9 under load: every message that was promised and not settled is found, and none that was settled', async (t) => {
  const folder = temporary(t);
  let owed = new Set<string>();
  for (const [run, lines] of [3, 57, 200, 701, 1502].entries()) {
    const { accepted, settling, settled } = await killAfter(t, folder, run, lines);
    owed = new Set([...owed, ...accepted].filter((id) => !settling.has(id)));
    const { journal, recovered } = open({ folder });
    const found = recovered.pending.map(({ message }) => message.id);
    const missing = [...owed].filter((id) => !found.includes(id));
    assert.deepEqual(missing, [], `run ${run}`);
    assert.deepEqual(
      found.filter((id) => settled.has(id)),
      [],
      `run ${run}`,
    );
    assert.equal(new Set(found).size, found.length);
    for (const { kind } of recovered.damage) assert.equal(kind, 'torn');
    // What the child had no time to say was promised too.
    owed = new Set(found);
    await journal.close();
  }
  assert.ok(owed.size > 5);
});
