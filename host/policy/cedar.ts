import { createRequire } from 'node:module';
import type * as Cedar from '@cedar-policy/cedar-wasm/nodejs';

export type { Cedar };
export type CedarModule = typeof Cedar;

const require = createRequire(import.meta.url);
const entry = '@cedar-policy/cedar-wasm/nodejs';

/**
 * A thread's Cedar: loaded when first asked, and thrown away after a failure inside of it. Its stack lies in its own
 * memory and is not unwound by an exception, so an instance that failed once answers nothing any more.
 */
class CedarOfThread {
  #module: CedarModule | undefined;
  #freeIds: string[] = [];
  #idCount = 0;
  /** Rises with each instance; what was prepared in one is not there in the next. */
  generation = 0;

  /** @throws whatever the call throws, and the next call finds a new instance */
  call<T>(use: (cedar: CedarModule) => T): T {
    this.#module ??= require(entry) as CedarModule;
    try {
      return use(this.#module);
    } catch (error) {
      this.#module = undefined;
      this.generation += 1;
      delete require.cache[require.resolve(entry)];
      throw error;
    }
  }

  /** A name for one prepared set. Cedar forgets a set only when another takes its name, so names are used again. */
  takeId(): string {
    this.#idCount += 1;
    return this.#freeIds.pop() ?? `set-${this.#idCount}`;
  }

  freeId(id: string): void {
    this.#freeIds.push(id);
  }
}

export const cedar: CedarOfThread = new CedarOfThread();
