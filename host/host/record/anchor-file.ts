import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import type { Audit } from '../../audit/audit.ts';
import { anchorText, readHead } from '../../audit/head.ts';
import type { SignedSeal } from '../../audit/seal.ts';
import type { Clock } from '../../clock.ts';
import { systemFault } from '../../system-fault.ts';

export interface AnchorFileOptions {
  readonly audit: Audit;
  /** The chain's folder. */
  readonly chain: string;
  /** Where lines are added: on another disk, or one that only takes additions. */
  readonly path: string;
  /** Ten minutes if left out. */
  readonly everyMs?: number | undefined;
  readonly clock: Clock;
  /** Why a line could not be added; undefined when it could again. */
  readonly onAnchor?: ((trouble: string | undefined) => void) | undefined;
}

const everyMsDefault = 600_000;

/** Adds the chain's last seal to a file elsewhere, now and then and at the end: whoever cuts the chain cannot cut that. */
export class AnchorFile {
  readonly #options: AnchorFileOptions;
  readonly #end = new AbortController();
  #batch = 0;
  #trouble: string | undefined;

  constructor(options: AnchorFileOptions) {
    this.#options = options;
    void this.#run();
  }

  /** Adds the last one. After the chain was closed. */
  close(): void {
    this.#end.abort();
    this.#add(readHead(this.#options.chain)?.signed);
  }

  async #run(): Promise<void> {
    const { audit, clock, everyMs = everyMsDefault } = this.#options;
    const { signal } = this.#end;
    while (!signal.aborted) {
      const signed = await audit.head().catch(() => undefined);
      if (!signal.aborted) this.#add(signed);
      await clock.sleep(everyMs, signal).catch(() => {});
    }
  }

  #add(signed: SignedSeal | undefined): void {
    if (signed === undefined || signed.seal.batch === this.#batch) return;
    try {
      append(this.#options.path, `${anchorText(signed)}\n`);
      this.#batch = signed.seal.batch;
      this.#turn(undefined);
    } catch (error) {
      this.#turn(systemFault(error));
    }
  }

  #turn(trouble: string | undefined): void {
    if (trouble !== this.#trouble) this.#options.onAnchor?.(trouble);
    this.#trouble = trouble;
  }
}

function append(path: string, line: string): void {
  const fd = openSync(path, 'a', 0o600);
  try {
    writeSync(fd, line);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
