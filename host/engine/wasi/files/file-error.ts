/**
 * Why a file operation failed, by its POSIX name in lower case without the `E`. preview1 maps it to `errno`
 * by name, preview2 to `error-code` by meaning; to both `notcapable` (the path leads out) is as `perm`.
 */
export type FileErrorCode =
  | 'acces'
  | 'again'
  | 'badf'
  | 'busy'
  | 'dquot'
  | 'exist'
  | 'fbig'
  | 'ilseq'
  | 'intr'
  | 'inval'
  | 'io'
  | 'isdir'
  | 'loop'
  | 'mfile'
  | 'mlink'
  | 'nametoolong'
  | 'nfile'
  | 'nodev'
  | 'noent'
  | 'nolck'
  | 'nomem'
  | 'nospc'
  | 'notcapable'
  | 'notdir'
  | 'notempty'
  | 'notsup'
  | 'nxio'
  | 'overflow'
  | 'perm'
  | 'pipe'
  | 'rofs'
  | 'spipe'
  | 'stale'
  | 'txtbsy'
  | 'xdev';

/** A file operation the guest asked for failed; the guest gets the code, never a host path. */
export class FileError extends Error {
  override readonly name = 'FileError';
  readonly code: FileErrorCode;
  constructor(code: FileErrorCode) {
    super(code);
    this.code = code;
  }
}

const byNodeCode: Readonly<Record<string, FileErrorCode>> = {
  EACCES: 'acces',
  EAGAIN: 'again',
  EBADF: 'badf',
  EBUSY: 'busy',
  EDQUOT: 'dquot',
  EEXIST: 'exist',
  EFBIG: 'fbig',
  EILSEQ: 'ilseq',
  EINTR: 'intr',
  EINVAL: 'inval',
  EIO: 'io',
  EISDIR: 'isdir',
  ELOOP: 'loop',
  EMFILE: 'mfile',
  EMLINK: 'mlink',
  ENAMETOOLONG: 'nametoolong',
  ENFILE: 'nfile',
  ENODEV: 'nodev',
  ENOENT: 'noent',
  ENOLCK: 'nolck',
  ENOMEM: 'nomem',
  ENOSPC: 'nospc',
  ENOTDIR: 'notdir',
  ENOTEMPTY: 'notempty',
  ENOTSUP: 'notsup',
  EOPNOTSUPP: 'notsup',
  ENOSYS: 'notsup',
  ENXIO: 'nxio',
  EOVERFLOW: 'overflow',
  EPERM: 'perm',
  EPIPE: 'pipe',
  EROFS: 'rofs',
  ESPIPE: 'spipe',
  ESTALE: 'stale',
  ETXTBSY: 'txtbsy',
  EXDEV: 'xdev',
};

/** The `FileError` for what `node:fs` threw; a `FileError` passes through, an unknown system error is `io`, anything else is a bug and passes through. */
export function fileErrorOf(thrown: unknown): unknown {
  if (thrown instanceof FileError || !(thrown instanceof Error)) return thrown;
  const code: unknown = Reflect.get(thrown, 'code');
  if (typeof code !== 'string' || !('syscall' in thrown)) return thrown;
  return new FileError(byNodeCode[code] ?? 'io');
}
