import { parentPort, workerData } from 'node:worker_threads';
import { RingWriter } from '../../host/bus/ring.ts';

/** Writes records of changing lengths as fast as there is room, and says the sum of their lengths. */
const { ring, records } = workerData as { ring: SharedArrayBuffer; records: number };
const writer = new RingWriter(ring);
let checksum = 0;
for (let record = 0; record < records; record++) {
  const bytes = (record * 7) % 97;
  let at = writer.reserve(bytes);
  while (at === -1) {
    writer.publish();
    Atomics.pause();
    at = writer.reserve(bytes);
  }
  for (let index = 0; index < bytes; index++) writer.memory[at + index] = record + index;
  writer.commit(bytes, record);
  if (record % 13 === 0) writer.publish();
  checksum = (checksum + bytes) | 0;
}
writer.publish();
parentPort?.postMessage(checksum);
