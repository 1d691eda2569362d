import { WitError } from '../../linker.ts';
import { FileError, type FileErrorCode } from '../files/file-error.ts';
import { Failure } from './error.ts';
import { failure } from './source.ts';

/** `wasi:filesystem/types.error-code` by what the file tree says; WASI 0.2 has no code for too many open files. */
const codes: Readonly<Record<FileErrorCode, string>> = {
  acces: 'access',
  again: 'would-block',
  badf: 'bad-descriptor',
  busy: 'busy',
  dquot: 'quota',
  exist: 'exist',
  fbig: 'file-too-large',
  ilseq: 'illegal-byte-sequence',
  intr: 'interrupted',
  inval: 'invalid',
  io: 'io',
  isdir: 'is-directory',
  loop: 'loop',
  mfile: 'insufficient-memory',
  mlink: 'too-many-links',
  nametoolong: 'name-too-long',
  nfile: 'insufficient-memory',
  nodev: 'no-device',
  noent: 'no-entry',
  nolck: 'no-lock',
  nomem: 'insufficient-memory',
  nospc: 'insufficient-space',
  notcapable: 'not-permitted',
  notdir: 'not-directory',
  notempty: 'not-empty',
  notsup: 'unsupported',
  nxio: 'no-such-device',
  overflow: 'overflow',
  perm: 'not-permitted',
  pipe: 'pipe',
  rofs: 'read-only',
  spipe: 'invalid-seek',
  stale: 'io',
  txtbsy: 'text-file-busy',
  xdev: 'cross-device',
};

/** The name of the `error-code` for a failure. */
export const fileCode = (error: FileError): string => codes[error.code];

/** The `error-code` for a file operation's failure; anything else passes through. */
export function fileWitError(thrown: unknown): unknown {
  return thrown instanceof FileError ? new WitError(codes[thrown.code]) : thrown;
}

/** The same as a stream's failure, which `filesystem-error-code` reads. */
export function fileFailure(thrown: unknown): Failure {
  if (!(thrown instanceof FileError)) return failure(thrown);
  const code = codes[thrown.code];
  return new Failure(code, { of: 'filesystem', code });
}
