/**
 * Which of some shards a key belongs to: the one with the highest score for it (rendezvous hashing). Everybody who
 * knows the same names comes to the same answer, on every thread and after every restart. A new shard takes keys from
 * the others evenly, one in (number of shards) of all; of a shard that leaves, only its own keys move.
 */
export class Shards {
  #names: string[] = [];
  #hashes: Int32Array<ArrayBuffer> = new Int32Array(0);

  constructor(names: Iterable<string> = []) {
    this.#set([...new Set(names)]);
  }

  get names(): readonly string[] {
    return this.#names;
  }

  add(name: string): void {
    if (!this.#names.includes(name)) this.#set([...this.#names, name]);
  }

  remove(name: string): void {
    if (this.#names.includes(name)) this.#set(this.#names.filter((one) => one !== name));
  }

  /** Undefined: there are no shards. */
  of(key: string): string | undefined {
    const hash = hashOf(key);
    let best = -1;
    let score = -1;
    for (let at = 0; at < this.#hashes.length; at += 1) {
      const own = mixed(hash, this.#hashes[at] ?? 0);
      if (own > score) {
        best = at;
        score = own;
      }
    }
    return this.#names[best];
  }

  /** In one order for all, so that equal scores go to the same one. */
  #set(names: string[]): void {
    this.#names = names.sort();
    this.#hashes = Int32Array.from(this.#names, hashOf);
  }
}

const shardsMax = 10_000;

/** The latest shards that anybody named: they are named again with the next key. */
let latest: { readonly names: string; readonly shards: Shards } | undefined;

/** As `Shards.of`, for whoever names the shards each time; those beyond the first 10,000 are none. */
export function shardOf(key: string, names: readonly string[]): string | undefined {
  const some = names.slice(0, shardsMax);
  const text = JSON.stringify(some);
  if (latest?.names !== text) latest = { names: text, shards: new Shards(some) };
  return latest.shards.of(key);
}

/** FNV-1a over the UTF-16 units. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >> 8), 0x01000193);
  }
  return hash;
}

/** Two rounds of a multiplicative mixer: every bit of both hashes turns half of the result's. */
function mixed(key: number, shard: number): number {
  let hash = key ^ Math.imul(shard, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b) ^ shard;
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 16), 0x27d4eb2f);
  return (hash ^ (hash >>> 15)) >>> 0;
}
