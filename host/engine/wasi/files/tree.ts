import { randomUUID } from 'node:crypto';
import type { Budget } from '../../budget.ts';
import type { Anchor } from './anchor.ts';
import { AskedTimes } from './asked-times.ts';
import type { Disk } from './disk.ts';
import { FileError } from './file-error.ts';

/** What every descriptor of one agent shares. */
export class Tree {
  readonly anchor: Anchor;
  readonly disk: Disk;
  readonly budget: Budget;
  readonly times: AskedTimes = new AskedTimes();
  /** Makes metadata hashes of different agents incomparable. */
  readonly hashKey: string = randomUUID();
  #ended = false;
  readonly #open = new Set<{ close(): void }>();

  constructor(anchor: Anchor, disk: Disk, budget: Budget) {
    this.anchor = anchor;
    this.disk = disk;
    this.budget = budget;
  }

  /** @throws FileError `mfile` when the agent has as many files open as it may */
  reserve(): void {
    if (!this.budget.openFile()) throw new FileError('mfile');
  }

  /** Takes note of an open node. One that was still being opened when the agent ended is closed at once. */
  add(node: { close(): void }): void {
    this.#open.add(node);
    if (this.#ended) queueMicrotask(() => node.close());
  }

  remove(node: { close(): void }): void {
    if (this.#open.delete(node)) this.budget.closeFile();
  }

  closeAll(): void {
    this.#ended = true;
    for (const node of [...this.#open]) node.close();
  }
}
