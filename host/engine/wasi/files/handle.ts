import type { Disk } from './disk.ts';

/**
 * One open kernel object, counted by its users: it is closed when the last one lets go, so that no system
 * call under way in the thread pool ever finds its number taken by another agent's file.
 */
export class Handle {
  readonly disk: Disk;
  /** -1 for a directory known by its path only (see `Anchor`). */
  readonly fd: number;
  /** Where the kernel finds the object: `/proc/self/fd/<fd>`, or its real path. */
  readonly path: string;
  /** Whether calls on it may run at once. */
  readonly local: boolean;
  #users = 1;

  constructor(disk: Disk, fd: number, path: string, local: boolean) {
    this.disk = disk;
    this.fd = fd;
    this.path = path;
    this.local = local;
  }

  at(name: string): string {
    return `${this.path}/${name}`;
  }

  retain(): this {
    this.#users += 1;
    return this;
  }

  release(): void {
    this.#users -= 1;
    if (this.#users === 0 && this.fd >= 0) this.disk.close(this.local, this.fd);
  }
}
