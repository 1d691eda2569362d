import { workerData } from 'node:worker_threads';
import { type LinkEnds, Links } from '../../host/bus/links.ts';
import { systemClock } from '../../host/clock.ts';

/** Sends every frame back to where it came from; chokes on the frame `chokeAt`, if given, and lives on. */
const own = workerData as LinkEnds & { chokeAt?: number; spinUsMax?: number };
const links = new Links(own, { clock: systemClock, spinUsMax: own.spinUsMax ?? 0 });
let frames = 0;
if (own.chokeAt !== undefined) process.on('uncaughtException', () => {});
links.start({
  accept: (frame, from) => {
    if (frames++ === own.chokeAt) throw new Error('choked');
    if (!links.post(from, frame)) throw new Error('bug: the backlog is full');
  },
  onLost: () => {},
});
