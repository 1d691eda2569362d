import type { Budget } from '../../budget.ts';
import type { HostInterface, Linker } from '../../linker.ts';
import type { Files } from '../files/port.ts';
import type { Preopen, WasiGrants } from '../grants.ts';
import { cli } from './cli.ts';
import { clocks } from './clocks.ts';
import { IoError } from './error.ts';
import { filesystem, type Preopened } from './filesystem.ts';
import { Guest } from './guest.ts';
import { http } from './http/http.ts';
import { type Need, offer, offers, wasiVersion } from './offer.ts';
import { Pollable, poll } from './poll.ts';
import { random } from './random.ts';
import { Reach } from './reach.ts';
import { sockets } from './sockets/network.ts';
import { InputStream, OutputStream } from './streams.ts';

/** WASI 0.2 for one guest. */
export interface Preview2 {
  /** Offers every interface; one definition serves all 0.2.x. */
  define(linker: Linker): void;
  /**
   * Resolves when the granted directories are open. Waiting for it before the guest starts is how a wrong
   * grant is found in time; a guest that asks earlier waits itself.
   * @throws HostError `HOST_ERR_GRANT_INVALID` for a directory that is not there
   */
  ready(): Promise<void>;
  /**
   * Closes what the guest left open (files, sockets, requests) and resolves when its last output has been
   * taken. No call into the guest may be under way.
   */
  dispose(): Promise<void>;
}

/**
 * WASI 0.2 (wasi:cli, clocks, io, random, filesystem, sockets, http) from grants, for one guest. Nothing here
 * holds the thread: what waits returns a promise (see `suspending`), which the guest's stop and its deadline end.
 */
export function wasi(grants: WasiGrants, budget: Budget): Preview2 {
  const guest = new Guest(budget);
  const files = preopenedFiles(grants, budget);
  return {
    define: (linker) => {
      for (const [name, offered] of interfaces(guest, grants)) linker.define(name, offered);
      for (const [name, offered] of filesystem(guest, files)) linker.define(name, offered);
    },
    ready: async () => {
      await files.opened;
    },
    dispose: async () => {
      await guest.dispose();
      const open = await files.opened.catch(() => undefined);
      open?.dispose();
    },
  };
}

/** Begins to open the granted directories; without any, the file tree's code is not even loaded. */
function preopenedFiles({ preopens }: WasiGrants, budget: Budget): Preopened {
  if (preopens.length === 0) return { now: [], opened: Promise.resolve(undefined) };
  const opened = open(preopens, budget);
  const files: { now: Files['preopens'] | undefined; opened: Promise<Files> } = { now: undefined, opened };
  opened.then(
    (open) => {
      files.now = open.preopens;
    },
    () => {},
  );
  return files;
}

async function open(preopens: readonly Preopen[], budget: Budget): Promise<Files> {
  const { openFiles } = await import('../files/files.ts');
  return openFiles(preopens, budget);
}

/** The names of all interfaces offered, with the version each is defined as: `wasi:io/streams@0.2.0`. */
export const wasiInterfaces: readonly string[] = Object.keys(offers).map((name) => `${name}@${wasiVersion}`);

/** The WIT names of the functions that may wait, by interface without version: for the transpiler. */
export const suspending: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  Object.entries(offers).map(([name, { suspending }]) => [name, suspending]),
);

/** What a program that imports an interface would need granted, by interface without version. */
export const needs: Readonly<Record<string, Need>> = Object.fromEntries(
  Object.entries(offers).map(([name, { needs }]) => [name, needs]),
);

function interfaces(guest: Guest, grants: WasiGrants): [string, HostInterface][] {
  const reach = new Reach(grants.net);
  return [
    ...io(guest),
    ...cli(guest, grants),
    ...clocks(guest, grants.clock),
    ...random(guest, grants.random),
    ...sockets(guest, reach),
    ...http(guest, reach, grants.clock),
  ];
}

function io(guest: Guest): [string, HostInterface][] {
  return [
    offer('wasi:io/error', { Error: IoError }),
    offer('wasi:io/poll', {
      Pollable,
      poll: (pollables: readonly Pollable[]) => poll(guest, pollables),
    }),
    offer('wasi:io/streams', { InputStream, OutputStream }),
  ];
}
