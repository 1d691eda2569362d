import type { BigIntStats } from 'node:fs';
import type { FileStat, NewTime } from './port.ts';

/** Objects whose times are remembered; the oldest is forgotten first. */
const objectsMax = 1024;

interface Asked {
  readonly kept: bigint;
  readonly asked: bigint;
}

/**
 * The times a guest set, to the nanosecond. Node passes times as a double, which keeps today's to about
 * 0.25 µs; a guest that reads back what it set (as `cp -p` and `make` compare) is given what it set, for as
 * long as the file system still has the time that came of it. Other programs see the rounded time.
 */
export class AskedTimes {
  readonly #byObject = new Map<string, { accessed: Asked | undefined; modified: Asked | undefined }>();

  /** Notes what was asked, given the object's stats after its times were set. */
  note(after: BigIntStats, accessed: NewTime, modified: NewTime): void {
    const key = `${after.dev}:${after.ino}`;
    const before = this.#byObject.get(key);
    this.#byObject.delete(key);
    this.#byObject.set(key, {
      accessed: accessed === 'keep' ? before?.accessed : askedOf(accessed, after.atimeNs),
      modified: modified === 'keep' ? before?.modified : askedOf(modified, after.mtimeNs),
    });
    if (this.#byObject.size <= objectsMax) return;
    for (const oldest of this.#byObject.keys()) {
      this.#byObject.delete(oldest);
      break;
    }
  }

  /** The stats with the times that were asked for in place of the rounded ones. */
  restore(stat: FileStat): FileStat {
    if (this.#byObject.size === 0) return stat;
    const times = this.#byObject.get(`${stat.device}:${stat.inode}`);
    if (times === undefined) return stat;
    return {
      ...stat,
      accessedNs: exact(times.accessed, stat.accessedNs),
      modifiedNs: exact(times.modified, stat.modifiedNs),
    };
  }
}

function askedOf(time: NewTime, kept: bigint): Asked | undefined {
  return typeof time === 'bigint' ? { kept, asked: time } : undefined;
}

function exact(asked: Asked | undefined, found: bigint): bigint {
  return asked?.kept === found ? asked.asked : found;
}
