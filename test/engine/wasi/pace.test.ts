import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Budget, Stopped } from '../../../host/engine/budget.ts';
import { readPaced, writePaced } from '../../../host/engine/wasi/files/paced-file.ts';
import type { OpenFile } from '../../../host/engine/wasi/files/port.ts';
import type { Pace } from '../../../host/engine/wasi/pace.ts';
import { PaceGate, pacedSink, pacedSource } from '../../../host/engine/wasi/preview2/paced-streams.ts';
import { BufferedSink } from '../../../host/engine/wasi/preview2/sink.ts';
import { PullSource } from '../../../host/engine/wasi/preview2/source.ts';
import { defaultLimits } from '../../../host/limits.ts';
import { Bucket } from '../../../host/scheduler/bucket.ts';
import { HandClock } from '../../support/hand-clock.ts';

function make(perSecond: number) {
  const clock = new HandClock();
  const bucket = new Bucket({ perSecond, burst: perSecond }, clock.monotonicMs());
  const pace: Pace = {
    room: () => bucket.room(clock.monotonicMs()),
    waitMs: () => bucket.waitMs(clock.monotonicMs()),
    spend: (bytes) => bucket.spend(bytes),
  };
  const budget = new Budget({ limits: defaultLimits, clock });
  return { clock, pace, budget };
}

/** A file of the letters of the alphabet. */
const letters = Buffer.from('abcdefghijklmnopqrstuvwxyz');
function fileOf(written: string[] = []): Pick<OpenFile, 'read' | 'write'> {
  const read = (into: Uint8Array, offset: bigint): number =>
    letters.copy(into, 0, Number(offset), Number(offset) + into.length);
  const write = (bytes: Uint8Array): number => {
    written.push(Buffer.from(bytes).toString());
    return bytes.length;
  };
  return { read, write };
}

const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
};

test('files: what may pass is read at once, at the limit the rest comes later, and nothing fails', async () => {
  const { clock, pace, budget } = make(10);
  const file = fileOf();
  const into = new Uint8Array(6);
  assert.equal(readPaced(file, pace, budget, into, 0n), 6, 'allowed');
  assert.equal(readPaced(file, pace, budget, into, 6n), 4, 'up to the limit');
  const later = readPaced(file, pace, budget, into, 10n);
  assert.ok(later instanceof Promise, 'over it');
  await until(() => clock.sleepers === 1);
  clock.turn(99);
  assert.equal(clock.sleepers, 1);
  clock.turn(1);
  assert.equal(await later, 1);
  assert.equal(Buffer.from(into.subarray(0, 1)).toString(), 'k');
});

test('files: the end of a file costs nothing', () => {
  const { pace, budget } = make(10);
  for (let count = 0; count < 100; count += 1)
    assert.equal(readPaced(fileOf(), pace, budget, new Uint8Array(10), 26n), 0);
  assert.equal(pace.room(), 10);
});

test('files: what is written waits with the bytes it had when it was called', async () => {
  const { clock, pace, budget } = make(10);
  const written: string[] = [];
  const file = fileOf(written);
  assert.equal(writePaced(file, pace, budget, Buffer.from('0123456789'), 0n), 10);
  const bytes = new TextEncoder().encode('x');
  const later = writePaced(file, pace, budget, bytes, 10n);
  bytes.fill(0);
  await until(() => clock.sleepers === 1);
  clock.turn(100);
  assert.equal(await later, 1);
  assert.deepEqual(written, ['0123456789', 'x']);
});

test('files: whoever waits and is stopped waits no longer', async () => {
  const { clock, pace, budget } = make(1);
  pace.spend(1000);
  const later = readPaced(fileOf(), pace, budget, new Uint8Array(1), 0n);
  await until(() => clock.sleepers === 1);
  budget.stopForDeadline();
  await assert.rejects(async () => later, Stopped);
  assert.equal(clock.sleepers, 0);
});

test('without a pace a file is what it is', () => {
  const { budget } = make(1);
  assert.equal(readPaced(fileOf(), undefined, budget, new Uint8Array(26), 0n), 26);
  assert.equal(writePaced(fileOf(), undefined, budget, new Uint8Array(26), 0n), 26);
});

test('streams in: bytes come as the pace lets them, and who waits is woken when they may', async () => {
  const { clock, pace } = make(10);
  const gate = new PaceGate(pace, clock);
  const source = pacedSource(new PullSource((max) => new Uint8Array(Math.min(max, 100))), gate);
  const taken = (max: number): number => (source.take(max) as Uint8Array).length;
  assert.equal(taken(4), 4, 'allowed');
  assert.equal(taken(100), 6, 'at the limit');
  assert.equal(taken(100), 0, 'over it');
  let woken = 0;
  source.onChange(() => {
    woken += 1;
  });
  assert.equal(source.isReady(), false);
  woken = 0;
  clock.turn(99);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(woken, 0);
  clock.turn(1);
  await until(() => woken === 1);
  assert.equal(source.isReady(), true);
  assert.equal(taken(100), 1);
});

test('streams out: there is room for what may pass; what was taken goes out whatever comes then', async () => {
  const { clock, pace } = make(10);
  const gate = new PaceGate(pace, clock);
  const out: number[] = [];
  const sink = pacedSink(new BufferedSink({ write: (bytes) => void out.push(bytes.length) }), gate);
  assert.equal(sink.room(), 10);
  sink.put(new Uint8Array(10));
  assert.equal(sink.room(), 0, 'at the limit');
  assert.equal(sink.isReady(), false);
  await sink.close();
  assert.deepEqual(out, [10]);
  gate.close();
});

test('a gate that is closed arms no timer', () => {
  const { clock, pace } = make(1);
  const gate = new PaceGate(pace, clock);
  gate.close();
  pace.spend(100);
  assert.equal(gate.isReady(), false);
  assert.equal(clock.sleepers, 0);
});
