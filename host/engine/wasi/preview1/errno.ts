import type { FileErrorCode } from '../files/file-error.ts';

export type ErrnoName = FileErrorCode | 'success' | 'fault' | 'notsock';

/** `errno` of wasi_snapshot_preview1, by POSIX name in lower case. */
export const errno: Readonly<Record<ErrnoName, number>> = {
  success: 0,
  acces: 2,
  again: 6,
  badf: 8,
  busy: 10,
  dquot: 19,
  exist: 20,
  fault: 21,
  fbig: 22,
  ilseq: 25,
  intr: 27,
  inval: 28,
  io: 29,
  isdir: 31,
  loop: 32,
  mfile: 33,
  mlink: 34,
  nametoolong: 37,
  nfile: 41,
  nodev: 43,
  noent: 44,
  nolck: 46,
  nomem: 48,
  nospc: 51,
  notdir: 54,
  notempty: 55,
  notsock: 57,
  notsup: 58,
  nxio: 60,
  overflow: 61,
  perm: 63,
  pipe: 64,
  rofs: 69,
  spipe: 70,
  stale: 72,
  txtbsy: 74,
  xdev: 75,
  notcapable: 76,
};

/** A preview1 call failed; the guest gets the number. Not an `Error`: a guest may cause millions. */
export class Refusal {
  readonly errno: number;
  constructor(name: ErrnoName) {
    this.errno = errno[name];
  }
}
