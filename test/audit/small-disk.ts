import { type Disk, systemDisk } from '../../host/audit/disk.ts';

/** A disk with so many bytes of room; a write that does not fit is cut short, the next one fails. */
export class SmallDisk implements Disk {
  room: number;
  /** Whether `sync` fails. */
  isBroken = false;
  readonly create: Disk['create'] = systemDisk.create;
  readonly open: Disk['open'] = systemDisk.open;
  readonly truncate: Disk['truncate'] = systemDisk.truncate;
  readonly close: Disk['close'] = systemDisk.close;

  constructor(room: number) {
    this.room = room;
  }

  async write(fd: number, bytes: Uint8Array, from: number, length: number, at: number): Promise<number> {
    const taken = Math.min(length, this.room);
    if (taken === 0) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    this.room -= taken;
    return await systemDisk.write(fd, bytes, from, taken, at);
  }

  async sync(fd: number): Promise<void> {
    if (this.isBroken) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
    await systemDisk.sync(fd);
  }
}
