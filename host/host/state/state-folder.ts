import { existsSync, lstatSync, readdirSync, rmSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../clock.ts';
import { HostError } from '../../errors.ts';
import { makeFolder } from '../../folder.ts';
import { writeOwnFile } from '../../regular-file.ts';
import { systemFault } from '../../system-fault.ts';
import { isDamaged } from '../sqlite-damage.ts';
import { AgentRecords } from './agent-records.ts';
import { ComponentFiles } from './component-files.ts';
import { StateLock } from './state-lock.ts';

/** What a host keeps on disk, in one folder that is its alone. */
export interface StateFolder {
  readonly folder: string;
  /** Components by digest. */
  readonly components: ComponentFiles;
  /** Agents that were installed or spawned, and when triggers last came due. */
  readonly agents: AgentRecords;
  /** Folders with snapshots of sleeping agents, as earlier runs left them: each has the number of its thread. */
  readonly coldLeft: readonly string[];
  /** Where the journals of all threads are. */
  readonly journalFolder: string;
  /** Where what agents are told is written down. */
  readonly historyFolder: string;
  /** Components of agents with a history. */
  readonly recorded: ComponentFiles;
  /** The journal of one thread. */
  journalOf(thread: number): string;
  /** Where the snapshots of one thread's agents are kept. */
  coldOf(thread: number): string;
  /** The run before did not end in good order: what was under way may have been what ended it. */
  readonly wasCutOff: boolean;
  /** Agents are at what was left of the run before: from now on this one counts. */
  begin(): void;
  /** Lets another host have the folder as if this one had been cut off. */
  abandon(): void;
  /** Saves what is left and lets another host have the folder. */
  close(): void;
}

/** There while a host runs, and after one that was cut off. */
const runningName = 'running';
const ownerOnly = 0o700;
const othersWriteMask = 0o022;

/**
 * Opens a host's state folder, made for its user alone when it is missing.
 * @throws HostError `HOST_ERR_STATE_LOCKED` when another host has it; `HOST_ERR_STATE_UNWRITABLE` when it cannot be
 * made or written, or others may write to it
 */
export function openState(folder: string): StateFolder {
  checkOwn(folder, statOf(folder));
  const lock = locked(folder);
  try {
    const journalFolder = made(folder, 'journal');
    const coldFolder = made(folder, 'cold');
    const historyFolder = made(folder, 'history');
    const components = new ComponentFiles(made(folder, 'components'));
    const agents = new AgentRecords(join(folder, 'agents.sqlite'));
    const running = join(folder, runningName);
    let isBegun = false;
    return {
      folder,
      components,
      agents,
      coldLeft: foldersIn(coldFolder),
      journalFolder,
      historyFolder,
      recorded: new ComponentFiles(join(historyFolder, 'components')),
      journalOf: (thread) => made(journalFolder, String(thread)),
      coldOf: (thread) => made(coldFolder, String(thread)),
      wasCutOff: existsSync(running),
      begin: () => {
        isBegun = true;
        writeOwnFile(running, '');
      },
      abandon: () => {
        agents.close();
        lock.release();
      },
      close: () => {
        try {
          agents.close();
          if (isBegun) rmSync(running, { force: true });
        } finally {
          lock.release();
        }
      },
    };
  } catch (cause) {
    lock.release();
    throw failed(folder, cause);
  }
}

/** Removes a journal's folder that no thread has any more. */
export function removeJournal(state: StateFolder, thread: number): void {
  rmSync(join(state.journalFolder, String(thread)), { recursive: true, force: true });
}

function statOf(folder: string): Stats {
  try {
    makeFolder(folder, ownerOnly);
    return statSync(folder);
  } catch (cause) {
    throw failed(folder, cause);
  }
}

function checkOwn(folder: string, stat: Stats): void {
  if (!stat.isDirectory())
    throw new HostError(
      'HOST_ERR_STATE_UNWRITABLE',
      `the state folder ${folder} is a file; use another --state`,
      { folder },
    );
  const isForeign = process.getuid !== undefined && stat.uid !== process.getuid();
  if (!isForeign && (stat.mode & othersWriteMask) === 0) return;
  throw new HostError(
    'HOST_ERR_STATE_UNWRITABLE',
    `others may write to the state folder ${folder}; make it yours alone (chown, chmod 700), or use another --state`,
    { folder },
  );
}

function locked(folder: string): StateLock {
  try {
    return new StateLock(folder, Number(systemClock.wallNs() / 1_000_000n));
  } catch (cause) {
    throw failed(folder, cause);
  }
}

function made(...path: readonly [string, string]): string {
  const folder = join(...path);
  makeFolder(folder, ownerOnly);
  if (lstatSync(folder).isDirectory()) return folder;
  throw new HostError(
    'HOST_ERR_STATE_UNWRITABLE',
    `${folder} is a symbolic link, and nothing of the host is kept elsewhere; remove it, or use another --state`,
    { folder },
  );
}

function foldersIn(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

function failed(folder: string, cause: unknown): HostError {
  if (cause instanceof HostError) return cause;
  const why = systemFault(cause);
  const cure = isDamaged(cause) ? 'remove its lock.sqlite, which holds nothing' : 'use another --state';
  return new HostError(
    'HOST_ERR_STATE_UNWRITABLE',
    `cannot use the state folder ${folder}: ${why}; ${cure}`,
    { folder },
    cause,
  );
}
