import { type FSWatcher, watch } from 'node:fs';
import type { Clock } from '../clock.ts';
import { stampOf } from './folder.ts';

export interface WatchOptions {
  readonly folder: string;
  readonly clock: Clock;
  /** Called when the folder is another than before and has been still for a moment. */
  readonly onChange: () => void;
  /** How long it has to be still: an editor writes a file in several steps. 20 if left out. */
  readonly stillMs?: number;
  /** How often it is looked at where the system does not tell of changes. 1,000 if left out. */
  readonly pollMs?: number;
}

const stillMsDefault = 20;
const pollMsDefault = 1000;

/** Watches one policy folder. */
export class PolicyWatch {
  readonly #options: WatchOptions;
  readonly #stillMs: number;
  readonly #pollMs: number;
  readonly #end = new AbortController();
  #watcher: FSWatcher | undefined;
  #stamp: string;
  #isSettling = false;
  #isTouched = false;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#stillMs = options.stillMs ?? stillMsDefault;
    this.#pollMs = options.pollMs ?? pollMsDefault;
    this.#stamp = stampOf(options.folder);
    this.#listen();
    void this.#poll();
  }

  close(): void {
    this.#end.abort();
    this.#watcher?.close();
  }

  /** A folder that was replaced by another, or cannot be watched, is looked at from time to time anyway. */
  #listen(): void {
    try {
      this.#watcher = watch(this.#options.folder, { persistent: true }, () => void this.#settle());
      this.#watcher.on('error', () => this.#forget());
    } catch {
      this.#watcher = undefined;
    }
  }

  #forget(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  async #poll(): Promise<void> {
    while (await this.#slept(this.#pollMs)) {
      if (this.#watcher === undefined) this.#listen();
      if (stampOf(this.#options.folder) === this.#stamp) continue;
      // Nothing was told of this change: what is watched may be a folder that was replaced.
      this.#forget();
      this.#listen();
      await this.#settle();
    }
  }

  /** Waits until nothing more is told for a moment, then looks. One at a time; what is told meanwhile prolongs it. */
  async #settle(): Promise<void> {
    this.#isTouched = true;
    if (this.#isSettling) return;
    this.#isSettling = true;
    while (this.#isTouched) {
      this.#isTouched = false;
      if (!(await this.#slept(this.#stillMs))) return;
    }
    this.#isSettling = false;
    const stamp = stampOf(this.#options.folder);
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    this.#options.onChange();
  }

  /** False once it is closed. */
  #slept(ms: number): Promise<boolean> {
    return this.#options.clock.sleep(ms, this.#end.signal).then(
      () => true,
      () => false,
    );
  }
}
