/** Seals the blocks of one file on their way to disk, and opens them when they come back. */
export interface FileSeal {
  /** By so much a block is longer than its content. */
  readonly overheadBytes: number;
  /** A block for this place of the file. */
  seal(offset: number, content: Uint8Array): Uint8Array;
  /** The same, into memory that is there: from `at` of `target` on. */
  sealInto(target: Uint8Array, at: number, offset: number, content: Uint8Array): void;
  /** The content, in memory of its own; undefined for a block that was changed or moved, or sealed by another host. */
  open(offset: number, block: Uint8Array): Uint8Array | undefined;
}

/** What a room that keeps files is given, so that they are sealed: it does not know by whom, nor under which key. */
export interface BlockSeal {
  /** Whether files of a time before there were seals are taken over. They are read once, and sealed from then on. */
  readonly takesUnsealed: boolean;
  /** @param name the file's within its store, the same for as long as there is the file */
  file(name: string): FileSeal;
}
