/** Every right that a descriptor here can have, in the order of the specification's bit numbers. */
type RightName =
  | 'fdDatasync'
  | 'fdRead'
  | 'fdSeek'
  | 'fdFdstatSetFlags'
  | 'fdSync'
  | 'fdTell'
  | 'fdWrite'
  | 'fdAdvise'
  | 'fdAllocate'
  | 'pathCreateDirectory'
  | 'pathCreateFile'
  | 'pathLinkSource'
  | 'pathLinkTarget'
  | 'pathOpen'
  | 'fdReaddir'
  | 'pathReadlink'
  | 'pathRenameSource'
  | 'pathRenameTarget'
  | 'pathFilestatGet'
  | 'pathFilestatSetSize'
  | 'pathFilestatSetTimes'
  | 'fdFilestatGet'
  | 'fdFilestatSetSize'
  | 'fdFilestatSetTimes'
  | 'pathSymlink'
  | 'pathRemoveDirectory'
  | 'pathUnlinkFile'
  | 'pollFdReadwrite';

/** `rights` of wasi_snapshot_preview1: bit numbers are the specification's. */
export const rights: Readonly<Record<RightName, bigint>> = {
  fdDatasync: 1n << 0n,
  fdRead: 1n << 1n,
  fdSeek: 1n << 2n,
  fdFdstatSetFlags: 1n << 3n,
  fdSync: 1n << 4n,
  fdTell: 1n << 5n,
  fdWrite: 1n << 6n,
  fdAdvise: 1n << 7n,
  fdAllocate: 1n << 8n,
  pathCreateDirectory: 1n << 9n,
  pathCreateFile: 1n << 10n,
  pathLinkSource: 1n << 11n,
  pathLinkTarget: 1n << 12n,
  pathOpen: 1n << 13n,
  fdReaddir: 1n << 14n,
  pathReadlink: 1n << 15n,
  pathRenameSource: 1n << 16n,
  pathRenameTarget: 1n << 17n,
  pathFilestatGet: 1n << 18n,
  pathFilestatSetSize: 1n << 19n,
  pathFilestatSetTimes: 1n << 20n,
  fdFilestatGet: 1n << 21n,
  fdFilestatSetSize: 1n << 22n,
  fdFilestatSetTimes: 1n << 23n,
  pathSymlink: 1n << 24n,
  pathRemoveDirectory: 1n << 25n,
  pathUnlinkFile: 1n << 26n,
  pollFdReadwrite: 1n << 27n,
};

const reading =
  rights.fdRead |
  rights.fdSeek |
  rights.fdTell |
  rights.fdFdstatSetFlags |
  rights.fdAdvise |
  rights.fdSync |
  rights.fdDatasync |
  rights.fdFilestatGet |
  rights.pollFdReadwrite;
const writing = rights.fdWrite | rights.fdAllocate | rights.fdFilestatSetSize | rights.fdFilestatSetTimes;
const looking =
  rights.pathOpen |
  rights.fdReaddir |
  rights.pathReadlink |
  rights.pathFilestatGet |
  rights.fdFilestatGet |
  rights.fdFdstatSetFlags |
  rights.fdSync |
  rights.fdDatasync |
  rights.pathLinkSource;
const changing =
  rights.pathCreateDirectory |
  rights.pathCreateFile |
  rights.pathLinkTarget |
  rights.pathRenameSource |
  rights.pathRenameTarget |
  rights.pathFilestatSetSize |
  rights.pathFilestatSetTimes |
  rights.fdFilestatSetTimes |
  rights.pathSymlink |
  rights.pathRemoveDirectory |
  rights.pathUnlinkFile;

/** All that can be done with a file of a preopen in this mode. */
export function fileRights(mode: 'read-only' | 'read-write'): bigint {
  return mode === 'read-write' ? reading | writing : reading;
}

/** All that can be done with a directory of a preopen in this mode. */
export function directoryRights(mode: 'read-only' | 'read-write'): bigint {
  return mode === 'read-write' ? looking | changing : looking;
}

/**
 * What a preopen passes on to what is opened in it. Writing is named also where the mode forbids it: a C library
 * asks only for what it sees here, so it would open a file it was told to write for reading, and be told nothing.
 * This way it asks, and `path_open` answers `rofs`.
 */
export function preopenInheriting(mode: 'read-only' | 'read-write'): bigint {
  return directoryRights(mode) | fileRights(mode) | rights.fdWrite;
}

/** Standard input, output and error. No seek and no tell: that is how C libraries know a terminal or pipe. */
export const inputRights: bigint =
  rights.fdRead | rights.fdFilestatGet | rights.pollFdReadwrite | rights.fdFdstatSetFlags;
export const outputRights: bigint =
  rights.fdWrite | rights.fdFilestatGet | rights.pollFdReadwrite | rights.fdFdstatSetFlags;
