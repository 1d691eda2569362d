import { HostError } from '../../../errors.ts';
import { type Budget, Stopped } from '../../budget.ts';
import { FileError } from '../files/file-error.ts';
import type { Files } from '../files/port.ts';
import type { WasiGrants } from '../grants.ts';
import type { Call, Context, Snapshot } from './context.ts';
import { errno, Refusal } from './errno.ts';
import * as fdCalls from './fd-calls.ts';
import { FdTable } from './fd-table.ts';
import { GuestMemory } from './guest-memory.ts';
import * as pathCalls from './path-calls.ts';
import { poll_oneoff } from './poll-calls.ts';
import * as processCalls from './process-calls.ts';
import { directoryRights, inputRights, outputRights, preopenInheriting } from './rights.ts';
import { Input, Output } from './stdio.ts';
import * as transferCalls from './transfer-calls.ts';

const { readFdflags: _readFdflags, ...fdFunctions } = fdCalls;
const { clockName: _clockName, ...processFunctions } = processCalls;

/** The 46 functions of wasi_snapshot_preview1; `wasi_unstable` is all of them but `sock_accept`. */
const calls: Readonly<Record<string, Call>> = {
  ...processFunctions,
  ...fdFunctions,
  ...transferCalls,
  ...pathCalls,
  poll_oneoff,
};

export const preview1Functions: readonly string[] = Object.keys(calls);
export const preview1Snapshots: readonly Snapshot[] = ['wasi_snapshot_preview1', 'wasi_unstable'];

/** Calls that never wait, as plain imports: they also work where a guest cannot be suspended. */
const immediate: ReadonlySet<string> = new Set([
  'args_get',
  'args_sizes_get',
  'clock_res_get',
  'clock_time_get',
  'environ_get',
  'environ_sizes_get',
  'fd_advise',
  'fd_close',
  'fd_fdstat_get',
  'fd_fdstat_set_rights',
  'fd_prestat_dir_name',
  'fd_prestat_get',
  'fd_renumber',
  'fd_tell',
  'proc_exit',
  'proc_raise',
  'sock_accept',
  'sock_recv',
  'sock_send',
  'sock_shutdown',
]);

/** WASI preview1 for one guest: what its imports `wasi_snapshot_preview1` and `wasi_unstable` are given. */
export interface Preview1 {
  /**
   * Resolves when the granted directories are open; the guest may not run before.
   * @throws HostError `HOST_ERR_GRANT_INVALID` for a directory that cannot be opened
   */
  ready(): Promise<void>;
  /** Import functions over the guest's memory, which is asked for at the first call. */
  imports(getMemory: () => WebAssembly.Memory, snapshot?: Snapshot): Record<string, WebAssembly.ImportValue>;
  /** Closes every file, and resolves when the last output has been taken. */
  dispose(): Promise<void>;
}

/**
 * WASI preview1 from grants: descriptors 0 to 2 are stdio, then come the preopened directories in their order.
 * @throws HostError `HOST_ERR_GRANT_INVALID` for an argument or variable that C strings cannot carry
 */
export function preview1(grants: WasiGrants, budget: Budget): Preview1 {
  checkStrings(grants);
  const stdout = new Output(grants.stdout, budget);
  const stderr = new Output(grants.stderr, budget);
  const fds = stdioTable(new Input(grants.stdin), stdout, stderr);
  const opened = openPreopens(grants, budget, fds);
  // Whoever waits for `ready` is told; until then a failure is nobody's unhandled rejection.
  opened.catch(() => {});
  return {
    ready: async () => {
      await opened;
    },
    imports: (getMemory, snapshot = 'wasi_snapshot_preview1') => {
      const memory = new GuestMemory(getMemory, budget);
      return importsOf({ snapshot, grants, budget, fds, memory });
    },
    dispose: async () => {
      const files = await opened.catch(() => undefined);
      files?.dispose();
      await Promise.all([stdout.flush(), stderr.flush()]);
    },
  };
}

function importsOf(context: Context): Record<string, WebAssembly.ImportValue> {
  const entries = Object.entries(calls).map(([name, call]) => [name, importOf(name, call, context)] as const);
  return Object.fromEntries(entries);
}

/** Without directories the file tree's code is not even loaded. */
async function openPreopens(
  { preopens }: WasiGrants,
  budget: Budget,
  fds: FdTable,
): Promise<Files | undefined> {
  if (preopens.length === 0) return undefined;
  const { openFiles } = await import('../files/files.ts');
  const files = await openFiles(preopens, budget);
  for (const { guestPath, directory } of files.preopens) {
    const rightsBase = directoryRights(directory.mode);
    const rightsInheriting = preopenInheriting(directory.mode);
    fds.add({ kind: 'directory', directory, preopenName: guestPath, rightsBase, rightsInheriting });
  }
  return files;
}

function checkStrings(grants: WasiGrants): void {
  const badArgument = grants.args.find((arg) => arg.includes('\0'));
  const badVariable = grants.env.find(
    ([name, value]) => `${name}${value}`.includes('\0') || name.includes('='),
  );
  if (badArgument === undefined && badVariable === undefined) return;
  throw new HostError(
    'HOST_ERR_GRANT_INVALID',
    badArgument === undefined
      ? `the environment variable '${badVariable?.[0]}' has a NUL, or a '=' in its name, and cannot be passed`
      : 'an argument with a NUL in it cannot be passed',
  );
}

function stdioTable(input: Input, stdout: Output, stderr: Output): FdTable {
  const fds = new FdTable();
  fds.add({ kind: 'input', stream: input, rightsBase: inputRights, rightsInheriting: 0n });
  for (const stream of [stdout, stderr])
    fds.add({ kind: 'output', stream, rightsBase: outputRights, rightsInheriting: 0n });
  return fds;
}

function importOf(name: string, call: Call, context: Context): WebAssembly.ImportValue {
  // biome-ignore lint/suspicious/noExplicitAny: as Call
  const guarded = (...args: any[]): number | Promise<number> => {
    context.budget.check();
    try {
      const result = call(context, ...args);
      return result === undefined ? errno.success : settle(result, context.budget);
    } catch (thrown) {
      return errnoOf(thrown);
    }
  };
  return immediate.has(name) ? guarded : new WebAssembly.Suspending(guarded);
}

/** What a failure is to the guest. Being stopped, and our own mistakes, are not for it. */
function errnoOf(thrown: unknown): number {
  if (thrown instanceof Refusal) return thrown.errno;
  // A path that leads out is `perm`, as from Wasmtime: guests' libraries know it as "permission denied",
  // and `notcapable` stays for a descriptor without the right.
  if (thrown instanceof FileError) return errno[thrown.code === 'notcapable' ? 'perm' : thrown.code];
  throw thrown;
}

/** Waits for a call, but not longer than the guest may run: then the call is left to itself. */
function settle(result: Promise<void>, budget: Budget): Promise<number> {
  return new Promise((resolve, reject) => {
    let unsubscribe = (): void => {};
    let timer = deadlineTimer(budget, (next) => {
      timer = next;
    });
    const end = (act: () => void): void => {
      clearTimeout(timer);
      unsubscribe();
      act();
    };
    unsubscribe = budget.onStop((cause) => end(() => reject(new Stopped(cause.kind))));
    result.then(
      () => end(() => resolve(errno.success)),
      (thrown: unknown) =>
        end(() => {
          try {
            resolve(errnoOf(thrown));
          } catch (fault) {
            reject(fault);
          }
        }),
    );
  });
}

/** A longer timer would fire at once. */
const timerMsMax = 2 ** 31 - 1;

/** Stops the guest at its deadline; `onRenewed` gets the next timer when this one was too short for it. */
function deadlineTimer(budget: Budget, onRenewed: (timer: NodeJS.Timeout) => void): NodeJS.Timeout {
  const leftMs = Math.min(Math.ceil(budget.deadlineLeftMs), timerMsMax);
  return setTimeout(() => {
    if (budget.deadlineLeftMs <= 0) budget.stopForDeadline();
    else onRenewed(deadlineTimer(budget, onRenewed));
  }, leftMs);
}
