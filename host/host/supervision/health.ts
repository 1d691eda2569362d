/** Parts of a host that do not do now what they promise, as probes are told: anybody may ask, so no more than that. */
export class Health {
  readonly #troubles = new Map<string, string>();

  /** `trouble` undefined: it is well again. */
  set(part: string, trouble: string | undefined): void {
    if (trouble === undefined) this.#troubles.delete(part);
    else this.#troubles.set(part, trouble);
  }

  /** `journal of thread 2: takes no messages; the log says why` */
  get lines(): readonly string[] {
    return Array.from(this.#troubles, ([part, trouble]) => `${part}: ${trouble}`);
  }
}
