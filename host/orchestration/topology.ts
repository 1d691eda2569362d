/** Who is next to whom: all to all, a closed ring, one in the middle, or a tree with two below each. */
export type TopologyKind = 'mesh' | 'ring' | 'star' | 'hierarchical';

export const topologyKinds: readonly TopologyKind[] = ['mesh', 'ring', 'star', 'hierarchical'];

/**
 * Members and their neighbours. It is whole whoever leaves: the ring closes, the oldest member left is the middle of a
 * star, and the last one of a tree takes the place that became free.
 */
export class Topology {
  readonly kind: TopologyKind;
  #members: string[] = [];
  readonly #places = new Map<string, number>();

  constructor(kind: TopologyKind, members: Iterable<string> = []) {
    this.kind = kind;
    for (const member of members) this.add(member);
  }

  /** The oldest first, but in a tree, where the parents come before their children. */
  get members(): readonly string[] {
    return this.#members;
  }

  get size(): number {
    return this.#members.length;
  }

  has(member: string): boolean {
    return this.#places.has(member);
  }

  /** False: it is there already. */
  add(member: string): boolean {
    if (this.#places.has(member)) return false;
    this.#places.set(member, this.#members.push(member) - 1);
    return true;
  }

  remove(member: string): boolean {
    const place = this.#places.get(member);
    if (place === undefined) return false;
    this.#places.delete(member);
    if (this.kind === 'hierarchical') this.#fill(place);
    else {
      this.#members.splice(place, 1);
      for (let at = place; at < this.#members.length; at += 1) this.#places.set(this.#members[at] ?? '', at);
    }
    return true;
  }

  #fill(place: number): void {
    const last = this.#members.pop() ?? '';
    if (place === this.#members.length) return;
    this.#members[place] = last;
    this.#places.set(last, place);
  }

  /** None for who is no member. */
  neighbours(member: string): readonly string[] {
    const place = this.#places.get(member);
    if (place === undefined) return [];
    if (this.kind === 'mesh' || (this.kind === 'star' && place === 0))
      return this.#members.filter((other) => other !== member);
    const others = this.#around(place).filter((at) => at !== place && at >= 0 && at < this.#members.length);
    return [...new Set(others)].map((at) => this.#members[at] ?? '');
  }

  /** Of those that have few. */
  #around(place: number): readonly number[] {
    const { length } = this.#members;
    switch (this.kind) {
      case 'mesh':
        return [];
      case 'ring':
        return [(place + length - 1) % length, (place + 1) % length];
      case 'star':
        return [0];
      case 'hierarchical':
        return [Math.ceil(place / 2) - 1, 2 * place + 1, 2 * place + 2];
    }
  }
}
