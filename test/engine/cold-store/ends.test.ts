import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { folderOf, markOf, openStore } from './snapshots.ts';

const putter = join(import.meta.dirname, 'putter.ts');

/** What a store must hold after these lines, and what it may. */
class Expected {
  readonly kept = new Map<string, number>();
  /** The last of each agent that was deleted: it and those before it never come back. */
  readonly gone = new Map<string, number>();
  /** The last word on these was not heard: either way is right. */
  readonly open = new Set<string>();

  hear(line: string): void {
    const [what, name = '', mark] = line.split(' ');
    if (what === 'put') this.kept.set(name, Number(mark));
    else if (what === 'waking') this.open.add(name);
    else if (what === 'woke') {
      this.gone.set(name, this.kept.get(name) ?? -1);
      this.kept.delete(name);
      this.open.delete(name);
    }
  }
}

async function check(folder: string, { kept, gone, open }: Expected): Promise<void> {
  const store = await openStore(folder);
  for (let number = 0; number < 40; number += 1) {
    const name = `agent-${number}`;
    const least = kept.get(name);
    const mark = markOf((await store.get(name))?.snapshot) as number | undefined;
    if (open.has(name)) continue;
    // A put may have been kept whose word did not get through: that is the later one, never an earlier.
    if (least === undefined) assert.ok(mark === undefined || mark > (gone.get(name) ?? -1), `${name}: stale`);
    else assert.ok(mark !== undefined && mark >= least, `${name}: ${mark}, not ${least}`);
  }
  await store.close();
}

function linesOf(child: ChildProcess, context: TestContext): ReturnType<typeof createInterface> {
  context.after(() => child.kill('SIGKILL'));
  assert.ok(child.stdout !== null);
  return createInterface({ input: child.stdout });
}

test('a process killed at any moment has kept what it said it kept, and nothing it said is gone', async (context) => {
  for (const wanted of [3, 50, 333, 1000]) {
    const folder = folderOf(context);
    const child = spawn(process.execPath, [putter, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    const expected = new Expected();
    let heard = 0;
    const lines = linesOf(child, context);
    lines.on('line', (line) => {
      expected.hear(line);
      heard += 1;
      if (heard === wanted) child.kill('SIGKILL');
    });
    await Promise.all([once(child, 'exit'), once(lines, 'close')]);
    assert.ok(heard >= wanted);
    await check(folder, expected);
  }
});

test('a full disk is an error, and what was kept stays', {
  skip: process.platform === 'win32',
}, async (context) => {
  const folder = folderOf(context);
  // The system refuses to write any file beyond 100 KiB: as a disk does when it is full.
  const command = `ulimit -f 100; exec "$0" "$1" "$2"`;
  const child = spawn('bash', ['-c', command, process.execPath, putter, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const expected = new Expected();
  const last: string[] = [];
  const lines = linesOf(child, context);
  lines.on('line', (line) => {
    expected.hear(line);
    last.push(line);
    if (last.length > 2) last.shift();
  });
  await Promise.all([once(child, 'exit'), once(lines, 'close')]);
  assert.equal(last[0], 'refused HOST_ERR_STATE_UNWRITABLE');
  assert.match(last[1] ?? '', /^still \d+ true agent-/, 'a snapshot can be deleted on a full disk');
  expected.open.add(last[1]?.split(' ')[3] ?? '');
  await check(folder, expected);
});
