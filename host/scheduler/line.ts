/** Those of one level that wait, in the order of a policy. An entry whose stamp is not its key's any more is void. */
export interface Line {
  /** Entries, void ones among them. */
  readonly size: number;
  /** The first entry, as `look` found it. */
  readonly key: number;
  readonly stamp: number;
  readonly rank: number;
  /** Looks who is first; there must be somebody. */
  look(): void;
  /** Takes out what `look` found just now. */
  drop(): void;
  /** `isFresh`: something new came for it, else it goes on with what it had begun. Stamps only grow. */
  add(key: number, stamp: number, rank: number, isFresh: boolean): void;
  /** All entries are void. */
  clear(): void;
  /** Drops the void entries. */
  sweep(isLive: (key: number, stamp: number) => boolean): void;
}
