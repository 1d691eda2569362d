/** What a person needs to know of the system's codes; Node's own messages add the call and the path, which we say ourselves. */
const words: Readonly<Record<string, string>> = {
  EACCES: 'this user may not',
  EBUSY: 'something else uses it',
  EDQUOT: "this user's share of the disk is used up",
  EEXIST: 'it is there already',
  EFBIG: 'the file would be larger than this system lets it be',
  EIO: 'the disk failed',
  EISDIR: 'it is a folder',
  ELOOP: 'it is a symbolic link, or its links go round in a circle',
  EMFILE: 'this process has as many files open as it may; raise ulimit -n',
  ENAMETOOLONG: 'the name is too long',
  ENFILE: 'the system has as many files open as it may',
  ENOENT: 'it is not there',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'something on the way there is no folder',
  EPERM: 'this user may not',
  EROFS: 'the disk is read-only',
};

/** Why the system refused something: `the disk is full (ENOSPC)`; another error's own message; one line. */
export function systemFault(thrown: unknown): string {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
  if (Object.hasOwn(words, code)) return `${words[code]} (${code})`;
  return thrown instanceof Error ? thrown.message : String(thrown);
}
