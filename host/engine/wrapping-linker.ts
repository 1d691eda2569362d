import { type HostInterface, Linker } from './linker.ts';

/** What becomes of an interface that another linker offers. */
export type Wrap = (importName: string, offered: HostInterface) => HostInterface;

/** What another linker offers, each interface wrapped once, when a program asks for it. */
export class WrappingLinker extends Linker {
  readonly #linker: Linker;
  readonly #wrap: Wrap;
  readonly #wrapped = new Map<HostInterface, HostInterface>();

  constructor(linker: Linker, wrap: Wrap) {
    super();
    this.#linker = linker;
    this.#wrap = wrap;
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
      wrapped = this.#wrap(importName, offered);
      this.#wrapped.set(offered, wrapped);
    }
    return wrapped;
  }
}
