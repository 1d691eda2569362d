import { parentPort, workerData } from 'node:worker_threads';
import type { Frame } from '../host/bus/frame-kinds.ts';
import { Links } from '../host/bus/links.ts';
import { RingReader } from '../host/bus/ring.ts';
import { systemClock } from '../host/clock.ts';
import { pause, type RingRole } from './ring-frames.ts';

/** The reading thread of `ring.ts`: told a count, it says when it has read so many. */
const role = workerData as RingRole;
let wanted = 0;
let read = 0;
let sum = 0;

function count(frame: Frame): void {
  if (frame.kind !== 'message' || frame.request !== read) throw new Error('a frame is lost');
  sum += frame.message.body[0] ?? 0;
  if (++read === wanted) finish();
}

function finish(): void {
  if (sum !== 7 * wanted) throw new Error('a body is torn');
  parentPort?.postMessage(wanted);
}

function begin(frames: number): void {
  wanted = frames;
  read = 0;
  sum = 0;
}

function readRaw(ring: SharedArrayBuffer): void {
  const reader = new RingReader(ring);
  const bytes = new Uint8Array(ring);
  parentPort?.on('message', (records: number) => {
    begin(records);
    let waits = 0;
    while (read < wanted) {
      let batch = 0;
      while (batch < 64 && reader.next()) {
        sum += bytes.slice(reader.at, reader.at + reader.bytes)[63] ?? 0;
        batch += 1;
      }
      read += batch;
      waits = batch > 0 ? 0 : waits + 1;
      if (batch > 0) reader.release();
      else pause(waits);
    }
    finish();
  });
}

/** Odd turns are the other's. */
function echoAtomically(memory: SharedArrayBuffer): void {
  const turns = new Int32Array(memory);
  for (let turn = 0; ; turn += 2) {
    Atomics.wait(turns, 0, turn);
    Atomics.store(turns, 0, turn + 2);
    Atomics.notify(turns, 0);
  }
}

if (role.kind === 'raw') readRaw(role.ring);
else if (role.kind === 'frames') {
  parentPort?.on('message', begin);
  new Links(role.own, { clock: systemClock }).start({ accept: count, onLost: () => {} });
} else if (role.kind === 'echo') {
  const links = new Links(role.own, { clock: systemClock });
  links.start({ accept: (frame, from) => links.post(from, frame), onLost: () => {} });
} else if (role.kind === 'cloned') {
  parentPort?.on('message', (message: number | Frame[]) => {
    if (typeof message === 'number') begin(message);
    else for (const frame of message) count(frame);
  });
} else if (role.kind === 'echo-cloned')
  parentPort?.on('message', (message: Frame) => parentPort?.postMessage(message));

parentPort?.postMessage('ready');
if (role.kind === 'echo-atomic') echoAtomically(role.turns);
