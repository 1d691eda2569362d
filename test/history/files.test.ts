import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { HistorySeal } from '../../host/history/block.ts';
import { agentsIn, readHistory } from '../../host/history/history.ts';
import { historyFiles, streamName } from '../../host/history/history-files.ts';
import { HistoryRoom } from '../../host/history/history-room.ts';
import { HistoryWriter, type HistoryWriterOptions } from '../../host/history/history-writer.ts';
import { Recorder } from '../../host/history/recorder.ts';
import type { Outcome } from '../../host/outcome.ts';

const digest = 'a'.repeat(64);
const ok: Outcome = {
  kind: 'ok',
  value: undefined,
  usage: { fuel: 1n, memoryBytes: 65_536, wallMs: 0, outputBytes: 0 } as Outcome['usage'],
};

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'motehost-history-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function writer(folder: string, options: Partial<HistoryWriterOptions> = {}): HistoryWriter {
  return new HistoryWriter({
    folder,
    stream: streamName(1000, 1),
    fileBytesMax: 1e6,
    wallMs: () => 1000,
    after: () => {},
    sealed: () => {},
    makeRoom: () => {},
    failed: () => {},
    recovered: () => {},
    ...options,
  });
}

function recorder(sink: HistoryWriter, agent = 'one'): Recorder {
  const made = new Recorder({ agent, sink, turnBytesMax: 1e6 });
  made.begins({ digest, limits: {}, atMs: 1 });
  return made;
}

function turn(of: Recorder, body: string | Uint8Array): void {
  of.begin('handle', body);
  of.end(ok);
}

function kindsIn(folder: string, agent = 'one', seal?: HistorySeal): string[] {
  return [...readHistory(folder, agent, seal)].map(({ kind }) => kind);
}

test('the oldest files go when there are more bytes than there may be, and the newest stay', (t) => {
  const folder = temporary(t);
  const removed: number[] = [];
  const bytesMax = 400_000;
  const room = new HistoryRoom({
    folder,
    bytesMax,
    writers: 1,
    runStartedMs: 1000,
    removed: (files) => void removed.push(files),
  });
  assert.equal(room.fileBytesMax, 100_000);
  const sink = writer(folder, { fileBytesMax: room.fileBytesMax, makeRoom: () => room.make() });
  const one = recorder(sink);
  for (let at = 0; at < 100; at += 1) {
    turn(one, new Uint8Array(10_000));
    sink.flush();
    const bytes = historyFiles(folder).reduce((sum, { name }) => sum + statSync(join(folder, name)).size, 0);
    assert.ok(bytes <= bytesMax, `${bytes} after ${at}`);
  }
  sink.close();
  assert.ok(removed.length > 0);
  const numbers = historyFiles(folder).map(({ number }) => number);
  assert.ok((numbers[0] ?? 0) > 0 && numbers.length >= 3, String(numbers));
  assert.ok(kindsIn(folder).length > 20);
});

test('a file that another thread may still write is not removed', (t) => {
  const folder = temporary(t);
  for (const [startedMs, thread] of [
    [500, 1],
    [1000, 1],
    [1001, 2],
  ] as const) {
    const sink = writer(folder, { stream: streamName(startedMs, thread) });
    turn(recorder(sink), new Uint8Array(5000));
    sink.close();
  }
  new HistoryRoom({ folder, bytesMax: 100, writers: 2, runStartedMs: 1000, removed: () => {} }).make();
  assert.deepEqual(
    historyFiles(folder).map(({ startedMs }) => startedMs),
    [1000, 1001],
  );
});

test('the components that a file needs are listed beside it, and go with it', (t) => {
  const folder = temporary(t);
  const sink = writer(folder);
  turn(recorder(sink), 'a');
  turn(recorder(sink), 'b');
  sink.close();
  assert.equal(readdirSync(folder).length, 2);
  new HistoryRoom({ folder, bytesMax: 1, writers: 1, runStartedMs: 2000, removed: () => {} }).make();
  assert.deepEqual(readdirSync(folder), []);
});

test('what a disk did not take is a gap that everybody is told of, once', (t) => {
  const folder = join(temporary(t), 'history');
  mkdirSync(folder);
  const told: string[] = [];
  const sink = writer(folder, {
    fileBytesMax: 1,
    failed: () => void told.push('failed'),
    recovered: () => void told.push('recovered'),
  });
  const one = recorder(sink);
  turn(one, 'a');
  sink.flush();
  // As a disk that has gone: no file can be made.
  renameSync(folder, `${folder}.gone`);
  for (const body of ['b', 'c']) {
    turn(one, body);
    sink.flush();
  }
  renameSync(`${folder}.gone`, folder);
  turn(one, 'd');
  sink.close();
  assert.deepEqual(told, ['failed', 'recovered']);
  assert.deepEqual(kindsIn(folder), ['life', 'turn', 'gap', 'turn']);
});

test('agents that change threads have their records in the order in which they were written', (t) => {
  const folder = temporary(t);
  let nowMs = 1000;
  const wallMs = (): number => nowMs;
  const first = writer(folder, { stream: streamName(900, 2), wallMs });
  const second = writer(folder, { stream: streamName(800, 1), wallMs });
  const bodies: string[] = [];
  for (const sink of [first, second, first]) {
    nowMs += 10;
    const body = `${nowMs}`;
    bodies.push(body);
    const one = recorder(sink);
    turn(one, body);
    one.ends();
    sink.flush();
  }
  first.close();
  second.close();
  const read = [...readHistory(folder, 'one')].flatMap((record) =>
    record.kind === 'turn' ? [`${record.atMs}`] : [],
  );
  assert.deepEqual(read, bodies);
});

test('a sealed history is read by whoever has the key, and by nobody else', (t) => {
  const folder = temporary(t);
  const flip = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => byte ^ 0x55);
  const seal: HistorySeal = { takesUnsealed: false, seal: flip, open: flip };
  const sink = writer(folder, { seal });
  turn(recorder(sink), 'a');
  sink.close();
  assert.deepEqual(kindsIn(folder, 'one', seal), ['life', 'turn']);
  assert.throws(() => kindsIn(folder), { code: 'HOST_ERR_HISTORY_SEALED' });
});

test('a summary says how many turns and lives each agent has, and when', (t) => {
  const folder = temporary(t);
  let nowMs = 2000;
  const sink = writer(folder, { wallMs: () => nowMs });
  const one = recorder(sink);
  turn(one, 'a');
  turn(recorder(sink, 'two'), 'b');
  sink.flush();
  nowMs = 5000;
  one.begins({ digest, limits: {}, atMs: 2 });
  turn(one, 'c');
  sink.close();
  assert.deepEqual(agentsIn(folder), [
    { agent: 'one', turns: 2, lives: 2, fromMs: 2000, toMs: 5000, digest },
    { agent: 'two', turns: 1, lives: 1, fromMs: 2000, toMs: 2000, digest },
  ]);
});
