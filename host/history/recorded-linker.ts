import { type HostInterface, Linker } from '../engine/linker.ts';
import type { Recorder } from './recorder.ts';

/** What another linker offers, with everything that a program asks of it written down. */
export class RecordedLinker extends Linker {
  readonly #linker: Linker;
  readonly #recorder: Recorder;
  readonly #wrapped = new Map<HostInterface, HostInterface>();

  constructor(linker: Linker, recorder: Recorder) {
    super();
    this.#linker = linker;
    this.#recorder = recorder;
  }

  override define(name: string, offered: HostInterface): this {
    this.#linker.define(name, offered);
    return this;
  }

  override get(importName: string): HostInterface | undefined {
    const offered = this.#linker.get(importName);
    if (offered === undefined) return undefined;
    let wrapped = this.#wrapped.get(offered);
    if (wrapped === undefined) {
      wrapped = this.#recorder.wrap(importName, offered);
      this.#wrapped.set(offered, wrapped);
    }
    return wrapped;
  }
}
