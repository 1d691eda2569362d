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
  #types = 0;

  constructor(typesMax: number) {
    this.#typesMax = typesMax;
  }

  /**
   * To be called before the engine sees a module, whatever then becomes of it: types of an invalid one stay too.
   * `digest` is the SHA-256 of its bytes before metering.
   * @throws HostError `HOST_ERR_MODULE_UNSUPPORTED` when there is no room for its types
   */
  admit(digest: string, types: number): void {
    if (types === 0 || this.#digests.has(digest)) return;
    if (this.#types + types > this.#typesMax)
      throw new HostError(
        'HOST_ERR_MODULE_UNSUPPORTED',
        `the module declares ${types} types, and this process has taken ${this.#types} of the ${this.#typesMax} it takes in its life; restart the host to run it`,
        { types, typesTaken: this.#types, typesMax: this.#typesMax },
      );
    this.#digests.add(digest);
    this.#types += types;
  }
}

/** Of this process. */
export const declaredTypes: DeclaredTypes = new DeclaredTypes(typesPerProcessMax);
