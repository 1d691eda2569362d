import { HostError } from '../errors.ts';

/**
 * Types of all distinct modules that one process compiles. V8 keeps them in one table of 2,000,000, which it
 * never empties; when it is full, the process ends. What is left is for the host's own modules and the few types
 * that metering adds.
 */
export const typesPerProcessMax = 1_500_000;

/** How many types the modules compiled so far declare; a module that comes again adds none. */
export class DeclaredTypes {
  readonly #typesMax: number;
  readonly #digests = new Set<string>();
  /** One number, which the threads of a process share: they share V8's table. */
  #taken = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

  constructor(typesMax: number) {
    this.#typesMax = typesMax;
  }

  /** To be handed to threads that compile modules too, for `share`. */
  get shared(): SharedArrayBuffer {
    return this.#taken.buffer;
  }

  /** Counts from now on into the number of another thread of this process; before anything was counted. */
  share(shared: SharedArrayBuffer): void {
    if (this.#digests.size > 0) throw new Error('bug: types were counted before they were shared');
    this.#taken = new Int32Array(shared);
  }

  /**
   * To be called before the engine sees a module, whatever then becomes of it: types of an invalid one stay too.
   * `digest` is the SHA-256 of its bytes before metering.
   * @throws HostError `HOST_ERR_MODULE_UNSUPPORTED` when there is no room for its types
   */
  admit(digest: string, types: number): void {
    if (types === 0 || this.#digests.has(digest)) return;
    const taken = Atomics.add(this.#taken, 0, types);
    if (taken + types > this.#typesMax) {
      Atomics.sub(this.#taken, 0, types);
      throw new HostError(
        'HOST_ERR_MODULE_UNSUPPORTED',
        `the module declares ${types} types, and this process has taken ${taken} of the ${this.#typesMax} it takes in its life; restart the host to run it`,
        { types, typesTaken: taken, typesMax: this.#typesMax },
      );
    }
    this.#digests.add(digest);
  }

  /** Another thread that shares the number counted this module. */
  know(digest: string): void {
    this.#digests.add(digest);
  }
}

/** Of this process, once every thread that compiles modules shares it. */
export const declaredTypes: DeclaredTypes = new DeclaredTypes(typesPerProcessMax);
