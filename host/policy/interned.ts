import type { EntityRef } from './entity.ts';
import type { EntityKind } from './vocabulary.ts';

/** Names kept as numbers at most; senders choose the names of subjects, so there is no end of them. */
export const namesMax = 65_536;

/** A number for each entity that was asked about. */
export class Interned {
  readonly #ids = new Map<EntityKind, Map<string, number>>();
  #count = 0;

  /** -1 when no more are taken: `clear` makes room. */
  idOf({ kind, id }: EntityRef): number {
    const ofKind = this.#ids.get(kind);
    const known = ofKind?.get(id);
    if (known !== undefined) return known;
    if (this.#count >= namesMax) return -1;
    if (ofKind === undefined) this.#ids.set(kind, new Map([[id, this.#count]]));
    else ofKind.set(id, this.#count);
    return this.#count++;
  }

  clear(): void {
    this.#ids.clear();
    this.#count = 0;
  }
}
