/** SQLite's result codes for a file that is no database, or not a whole one. */
const damaged: readonly number[] = [11, 26];

/** Whether a database cannot be read because its file is damaged: no room on the disk would mend that. */
export function isDamaged(thrown: unknown): boolean {
  const code = thrown instanceof Error && 'errcode' in thrown ? thrown.errcode : undefined;
  // The upper bytes say more of the same.
  return typeof code === 'number' && damaged.includes(code & 0xff);
}
