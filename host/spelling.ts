/** A text of ASCII and its bytes. */
export interface Spelling {
  text: string;
  /** As many as the text has characters. */
  readonly bytes: Uint8Array;
}

/**
 * The text that was made last of bytes at hand, such as a message's id, which is written down in several places at
 * once: to copy its bytes costs a fraction of reading it character by character. Whoever makes one puts it here.
 */
export const spellings: { latest: Spelling } = { latest: { text: '', bytes: new Uint8Array(0) } };
