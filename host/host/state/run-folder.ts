import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unlinked, writeOwnFile } from '../../regular-file.ts';

/** Whose a folder is. A process id alone is another's sooner or later. */
interface Owner {
  readonly pid: number;
  /** When it started, in ticks of the kernel since the machine did; 0 where the system does not say. */
  readonly startTicks: number;
  /** Among which processes its id counts: another container has its own. */
  readonly namespace: string;
}

const prefix = 'motehost-run-';
const ownerName = 'owner.json';
const ownerBytesMax = 1_000;

/**
 * A folder for as long as a host runs: sockets. Those that hosts of this user left, which were killed and cannot have
 * removed them, go when the next one starts.
 */
export class RunFolder {
  readonly path: string;

  /** `parent`: where it is made, and where those that were left are looked for. */
  constructor(parent: string = tmpdir()) {
    removeOrphans(parent);
    this.path = mkdtempSync(join(parent, prefix));
    writeOwnFile(join(this.path, ownerName), JSON.stringify(ownerOf(process.pid)));
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

function removeOrphans(parent: string): void {
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(prefix)) continue;
    const path = join(parent, name);
    try {
      if (isOwnFolder(path) && isOrphaned(path)) rmSync(path, { recursive: true, force: true });
    } catch {
      // Somebody else was faster, or it cannot be removed: it harms nobody.
    }
  }
}

/** Neither a link nor another user's. */
function isOwnFolder(path: string): boolean {
  const stat = lstatSync(path);
  return stat.isDirectory() && (process.getuid === undefined || stat.uid === process.getuid());
}

/** One that says nothing may be just being made. */
function isOrphaned(folder: string): boolean {
  const owner = readOwner(join(folder, ownerName));
  if (owner === undefined || owner.namespace !== namespaceOf()) return false;
  return !isRunning(owner.pid) || startTicksOf(owner.pid) !== owner.startTicks;
}

function readOwner(path: string): Owner | undefined {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile() || stat.size > ownerBytesMax) return undefined;
  const { pid, startTicks, namespace } = JSON.parse(
    readFileSync(path, { encoding: 'utf8', flag: unlinked.read }),
  ) as Partial<Owner>;
  if (
    !Number.isSafeInteger(pid) ||
    Number(pid) <= 0 ||
    typeof startTicks !== 'number' ||
    typeof namespace !== 'string'
  )
    return undefined;
  return { pid: Number(pid), startTicks, namespace };
}

function ownerOf(pid: number): Owner {
  return { pid, startTicks: startTicksOf(pid), namespace: namespaceOf() };
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Field 22 of `/proc/PID/stat` (proc_pid_stat(5)); the name before it may have blanks and parentheses. */
function startTicksOf(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[19]);
  } catch {
    return 0;
  }
}

function namespaceOf(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}
