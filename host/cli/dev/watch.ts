import { existsSync, type FSWatcher, readdirSync, statSync, watch } from 'node:fs';
import { dirname, join } from 'node:path';

/** What builds and package managers write: nobody edits it, and there may be tens of thousands of files. */
const madeFolders: ReadonlySet<string> = new Set(['build', 'target', 'node_modules', 'dist']);
/** Folders watched at once; the system allows a user some thousands. */
const foldersMax = 1000;
const depthMax = 16;

/** Tells when anything changes in some folders; each is watched by itself, without those in it. */
export class Watch {
  readonly #onChange: () => void;
  readonly #watchers = new Map<string, Watched>();

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Watches these folders and no others. In place of one that is not there, the nearest above it tells of its coming. */
  set(folders: ReadonlySet<string>): void {
    const there = new Set([...folders].map(nearestThere));
    for (const [folder, { watcher, identity }] of this.#watchers) {
      if (there.has(folder) && identity === identityOf(folder)) continue;
      watcher.close();
      this.#watchers.delete(folder);
    }
    for (const folder of there) if (!this.#watchers.has(folder)) this.#add(folder);
  }

  close(): void {
    this.set(new Set());
  }

  #add(folder: string): void {
    try {
      const identity = identityOf(folder);
      const watcher = watch(folder, (_event, name) => {
        if (name === null || !isNoise(name)) this.#onChange();
      });
      const forget = (): void => {
        watcher.close();
        if (this.#watchers.get(folder)?.watcher === watcher) this.#watchers.delete(folder);
      };
      watcher.on('error', forget);
      this.#watchers.set(folder, { watcher, identity });
    } catch {
      // Removed a moment ago: its parent is watched too, and tells of it.
    }
  }
}

interface Watched {
  readonly watcher: FSWatcher;
  readonly identity: string | undefined;
}

/** Another one when a folder was removed and made again: what watches the old one sees nothing of the new. */
function identityOf(folder: string): string | undefined {
  const stat = statSync(folder, { throwIfNoEntry: false });
  return stat === undefined ? undefined : `${stat.dev} ${stat.ino} ${stat.birthtimeMs}`;
}

function nearestThere(folder: string): string {
  let at = folder;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  return at;
}

/** What editors put beside a file while they save it, and what builds write. */
function isNoise(name: string): boolean {
  return name.startsWith('.') || name.endsWith('~') || name === '4913' || madeFolders.has(name);
}

/** A folder and those in it where somebody may edit something. */
export function foldersIn(folder: string): Set<string> {
  const found = new Set<string>();
  collect(folder, depthMax, found);
  return found;
}

function collect(folder: string, depthLeft: number, found: Set<string>): void {
  if (found.size >= foldersMax) return;
  found.add(folder);
  if (depthLeft === 0) return;
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true }))
      if (entry.isDirectory() && !isNoise(entry.name))
        collect(join(folder, entry.name), depthLeft - 1, found);
  } catch {
    // Removed meanwhile, or not for us to read.
  }
}

/** The folders that hold some files. */
export function foldersOf(files: readonly string[]): Set<string> {
  return new Set(files.map((file) => dirname(file)));
}
