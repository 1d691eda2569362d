/** Those of one level that wait, in the order of a policy. An entry whose stamp is not its key's any more is void. */
export interface Line {
  /** Entries, void ones among them. */
  readonly size: number;
  /** Of the first entry; meaningless in an empty line. */
  readonly firstKey: number;
  readonly firstStamp: number;
  readonly firstRank: number;
  add(key: number, stamp: number, rank: number): void;
  dropFirst(): void;
  /** All entries are void. */
  clear(): void;
  /** Drops the void entries. */
  sweep(isLive: (key: number, stamp: number) => boolean): void;
}
