/** An agent that another one made. */
export interface Child {
  readonly name: string;
  readonly parent: string;
  /** Lives on when its parent ends. */
  readonly isDetached: boolean;
}

/** Who made whom: what ends with whom. */
export class Families {
  readonly #children = new Map<string, Map<string, Child>>();
  readonly #parents = new Map<string, Child>();

  /** Names of those that an agent made and that are still there. */
  childrenOf(parent: string): readonly string[] {
    return [...(this.#children.get(parent)?.keys() ?? [])];
  }

  childOf(parent: string, name: string): Child | undefined {
    return this.#children.get(parent)?.get(name);
  }

  parentOf(name: string): string | undefined {
    return this.#parents.get(name)?.parent;
  }

  add(child: Child): void {
    let siblings = this.#children.get(child.parent);
    if (siblings === undefined) {
      siblings = new Map();
      this.#children.set(child.parent, siblings);
    }
    siblings.set(child.name, child);
    this.#parents.set(child.name, child);
  }

  /** How many an agent and those that it made made, and so on. */
  descendantsOf(parent: string): number {
    let count = 0;
    for (const name of this.#children.get(parent)?.keys() ?? []) count += 1 + this.descendantsOf(name);
    return count;
  }

  /** One that is no more; its children, after those that end with it, are nobody's. */
  remove(name: string): void {
    const child = this.#parents.get(name);
    this.#parents.delete(name);
    for (const orphan of this.#children.get(name)?.keys() ?? []) this.#parents.delete(orphan);
    this.#children.delete(name);
    if (child === undefined) return;
    const siblings = this.#children.get(child.parent);
    siblings?.delete(name);
    if (siblings?.size === 0) this.#children.delete(child.parent);
  }

  /** All that end when an agent does, the youngest generation first. */
  endingWith(parent: string): readonly string[] {
    const ending: string[] = [];
    const visit = (name: string): void => {
      for (const child of this.#children.get(name)?.values() ?? []) {
        if (child.isDetached) continue;
        visit(child.name);
        ending.push(child.name);
      }
    };
    visit(parent);
    return ending;
  }
}
