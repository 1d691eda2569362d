import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Budget } from '../../budget.ts';
import type { Instance } from '../../instance.ts';
import type { HostInterface, Linker } from '../../linker.ts';
import type { Files } from '../files/port.ts';
import type { Preopen, WasiGrants } from '../grants.ts';
import { cli } from './cli.ts';
import { clocks } from './clocks.ts';
import { IoError } from './error.ts';
import type { Preopened } from './filesystem.ts';
import { Guest } from './guest.ts';
import { type Need, offer, offers, wasiVersion } from './offer.ts';
import { Pollable, poll } from './poll.ts';
import { random } from './random.ts';
import { InputStream, OutputStream } from './streams.ts';

/** WASI 0.2 for one guest. */
export interface Preview2 {
  /**
   * Loads what `imports` need (full interface names; all of WASI by default) and waits until the granted
   * directories are open. Before `define`, and before the guest starts.
   * @throws HostError `HOST_ERR_GRANT_INVALID` for a directory that is not there
   */
  ready(imports?: readonly string[]): Promise<void>;
  /** Offers what was loaded; one definition serves all 0.2.x. */
  define(linker: Linker): void;
  /** Has an instance of the guest answer one request, by its export of that name; resolves with what that gave, when the answer is out. */
  serve(
    instance: Callable,
    name: string,
    message: IncomingMessage,
    response: ServerResponse,
  ): Promise<unknown>;
  /**
   * Closes what the guest left open (files, sockets, requests) and resolves when its last output has been
   * taken. No call into the guest may be under way.
   */
  dispose(): Promise<void>;
}

/** A live run, as far as it is called here. */
export type Callable = Pick<Instance, 'call' | 'settled'>;

/** The interfaces of one package, with one name per function; called once per guest. */
type Package = (guest: Guest, grants: WasiGrants, files: Preopened) => [string, HostInterface][];

/** The code of a package is loaded only for guests that import it: a plain hello does without sockets and HTTP. */
const packages: readonly (readonly [names: RegExp, load: () => Promise<Package>])[] = [
  [/^wasi:filesystem\/.*@0\.2\./, loadFilesystem],
  [/^wasi:sockets\/.*@0\.2\./, loadSockets],
  [/^wasi:http\/.*@0\.2\./, loadHttp],
  [/@0\.3\./, loadPreview3],
  [/^wasi:sockets\/.*@0\.3\./, loadSockets3],
  [/^wasi:http\/.*@0\.3\./, loadHttp3],
];

/**
 * WASI 0.2 (wasi:cli, clocks, io, random, filesystem, sockets, http) from grants, for one guest. Nothing here
 * holds the thread: what waits returns a promise (see `suspending`), which the guest's stop and its deadline end.
 */
export function wasi(grants: WasiGrants, budget: Budget): Preview2 {
  const guest = new Guest(budget, grants.flows);
  const files = preopenedFiles(grants, budget);
  let loaded: readonly Package[] | undefined;
  return {
    ready: async (imports = wasiInterfaces) => {
      const wanted = packages.filter(([names]) => imports.some((name) => names.test(name)));
      loaded = await Promise.all(wanted.map(([, load]) => load()));
      await files.opened;
    },
    define: (linker) => {
      if (loaded === undefined) throw new Error('bug: WASI defined before it was ready');
      for (const offer of [io, cli, time, chance, ...loaded])
        for (const [name, offered] of offer(guest, grants, files)) linker.define(name, offered);
    },
    serve: async (instance, name, message, response) => {
      if (name.startsWith('wasi:http/handler@0.3.'))
        return (await import('../preview3/http/service.ts')).serve(guest, instance, name, message, response);
      const { exchange } = await import('./http/http.ts');
      return instance.call(name, exchange(guest, grants, message, response));
    },
    dispose: async () => {
      await guest.dispose();
      const open = await files.opened.catch(() => undefined);
      open?.dispose();
    },
  };
}

async function loadFilesystem(): Promise<Package> {
  const { filesystem } = await import('./filesystem.ts');
  return (guest, _grants, files) => filesystem(guest, files);
}

/** WASI 0.3 beside 0.2: they share the guest's handles, waits and directories. */
async function loadPreview3(): Promise<Package> {
  const { wasi3 } = await import('../preview3/preview3.ts');
  return wasi3;
}

async function loadSockets3(): Promise<Package> {
  const { sockets } = await import('../preview3/sockets/sockets.ts');
  return sockets;
}

async function loadHttp3(): Promise<Package> {
  const { http } = await import('../preview3/http/http.ts');
  return http;
}

async function loadSockets(): Promise<Package> {
  const { sockets } = await import('./sockets/network.ts');
  return sockets;
}

async function loadHttp(): Promise<Package> {
  const { http } = await import('./http/http.ts');
  return http;
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

function time(guest: Guest, { clock }: WasiGrants): [string, HostInterface][] {
  return clocks(guest, clock);
}

function chance(guest: Guest, grants: WasiGrants): [string, HostInterface][] {
  return random(guest, grants.random);
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
