import { Trap } from '../../trap.ts';

/**
 * Bytes the host keeps for one guest behind its handles, all together: header fields, request targets, queued
 * output and datagrams, bytes read ahead, directory pages, waits. Handles are counted, but each may keep much.
 */
export const heldBytesMax: number = 64 * 1024 * 1024;

/** The bytes held for one guest. */
export class HeldBytes {
  #total = 0;

  /** What is held now. */
  get total(): number {
    return this.#total;
  }

  /** A new share of the account, empty. */
  open(): Holding {
    return new Holding(this);
  }

  /** Adds `bytes`, which may be negative; whether there was room. */
  add(bytes: number): boolean {
    if (bytes > 0 && this.#total + bytes > heldBytesMax) return false;
    this.#total += bytes;
    return true;
  }
}

/** What one resource, queue or wait holds; who opened it empties it in the end. */
export class Holding {
  readonly #account: HeldBytes;
  #bytes = 0;

  constructor(account: HeldBytes) {
    this.#account = account;
  }

  /** @throws Trap `allocation-too-large` when the guest would hold more than `heldBytesMax` */
  resize(bytes: number): void {
    if (this.tryResize(bytes)) return;
    throw new Trap(
      'allocation-too-large',
      `the guest's WASI handles hold more than ${heldBytesMax} bytes of the host's memory`,
    );
  }

  /** Whether there was room; if not, nothing changed. */
  tryResize(bytes: number): boolean {
    if (!this.#account.add(bytes - this.#bytes)) return false;
    this.#bytes = bytes;
    return true;
  }

  empty(): void {
    this.tryResize(0);
  }
}
