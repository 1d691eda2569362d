import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { componentsName, type HistoryFile, historyFiles } from './history-files.ts';

export interface HistoryRoomOptions {
  readonly folder: string;
  /** Of all files, those of other threads and of earlier runs too. */
  readonly bytesMax: number;
  /** How many threads write at the same time. */
  readonly writers: number;
  /** Of this run of the host, milliseconds since 1970: files of streams from before are nobody's any more. */
  readonly runStartedMs: number;
  /** So many files went, with so many bytes. */
  readonly removed: (files: number, bytes: number) => void;
}

const fileBytesAtMost = 64 * 1024 * 1024;
/** Files of each writer there is room for. */
const filesMin = 4;

/** Keeps a history folder within its bound: the oldest files go first. */
export class HistoryRoom {
  readonly #options: HistoryRoomOptions;
  /** A file that has more is followed by another. */
  readonly fileBytesMax: number;

  constructor(options: HistoryRoomOptions) {
    this.#options = options;
    this.fileBytesMax = Math.min(
      fileBytesAtMost,
      Math.floor(options.bytesMax / (options.writers * filesMin)),
    );
  }

  /** Removes what is too old, so that each writer can fill another file. */
  make(): void {
    const { folder, bytesMax, writers, removed } = this.#options;
    const files = historyFiles(folder).map((file) => ({ file, bytes: bytesOf(folder, file) }));
    const removable = new Set(this.#finished(files.map(({ file }) => file)));
    let bytes = files.reduce((sum, one) => sum + one.bytes, 0);
    const room = bytesMax - writers * this.fileBytesMax;
    const gone = { files: 0, bytes: 0 };
    for (const one of files) {
      if (bytes <= room) break;
      if (!removable.has(one.file)) continue;
      remove(folder, one.file);
      bytes -= one.bytes;
      gone.files += 1;
      gone.bytes += one.bytes;
    }
    if (gone.files > 0) removed(gone.files, gone.bytes);
  }

  /** Files that nobody writes any more: the last one of a stream of this run may be open. */
  #finished(files: readonly HistoryFile[]): HistoryFile[] {
    return files.filter(
      (file, at) => file.startedMs < this.#options.runStartedMs || files[at + 1]?.stream === file.stream,
    );
  }
}

function bytesOf(folder: string, { name }: HistoryFile): number {
  return statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
}

/** The list goes last: a component without a history harms less than a history without its component. */
function remove(folder: string, { name }: HistoryFile): void {
  rmSync(join(folder, name), { force: true });
  rmSync(join(folder, componentsName(name)), { force: true });
}
