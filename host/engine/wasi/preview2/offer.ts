import type { HostFunction, HostInterface, HostResource } from '../../linker.ts';

/** What a guest must be granted before an interface is of use to it. */
export type Need = 'none' | '--dir' | '--env' | '--net';

/** One WASI interface as the host offers it: static facts, known before any guest exists. */
export interface Offered {
  readonly needs: Need;
  /** WIT names of the functions that may wait. */
  readonly suspending: readonly string[];
}

/** Every interface of WASI 0.2 for commands, reactors and HTTP clients, by name without version. */
export const offers: Readonly<Record<string, Offered>> = {
  'wasi:cli/environment': { needs: '--env', suspending: [] },
  'wasi:cli/exit': { needs: 'none', suspending: [] },
  'wasi:cli/stdin': { needs: 'none', suspending: [] },
  'wasi:cli/stdout': { needs: 'none', suspending: [] },
  'wasi:cli/stderr': { needs: 'none', suspending: [] },
  'wasi:cli/terminal-input': { needs: 'none', suspending: [] },
  'wasi:cli/terminal-output': { needs: 'none', suspending: [] },
  'wasi:cli/terminal-stdin': { needs: 'none', suspending: [] },
  'wasi:cli/terminal-stdout': { needs: 'none', suspending: [] },
  'wasi:cli/terminal-stderr': { needs: 'none', suspending: [] },
  'wasi:clocks/monotonic-clock': { needs: 'none', suspending: [] },
  'wasi:clocks/wall-clock': { needs: 'none', suspending: [] },
  'wasi:clocks/timezone': { needs: 'none', suspending: [] },
  'wasi:filesystem/types': {
    needs: '--dir',
    suspending: [
      '[method]descriptor.sync-data',
      '[method]descriptor.set-size',
      '[method]descriptor.set-times',
      '[method]descriptor.read',
      '[method]descriptor.write',
      '[method]descriptor.sync',
      '[method]descriptor.create-directory-at',
      '[method]descriptor.stat',
      '[method]descriptor.stat-at',
      '[method]descriptor.set-times-at',
      '[method]descriptor.link-at',
      '[method]descriptor.open-at',
      '[method]descriptor.readlink-at',
      '[method]descriptor.remove-directory-at',
      '[method]descriptor.rename-at',
      '[method]descriptor.symlink-at',
      '[method]descriptor.unlink-file-at',
      '[method]descriptor.is-same-object',
      '[method]descriptor.metadata-hash',
      '[method]descriptor.metadata-hash-at',
      '[method]directory-entry-stream.read-directory-entry',
    ],
  },
  'wasi:filesystem/preopens': { needs: '--dir', suspending: ['get-directories'] },
  'wasi:http/types': { needs: 'none', suspending: [] },
  'wasi:http/outgoing-handler': { needs: '--net', suspending: [] },
  'wasi:io/error': { needs: 'none', suspending: [] },
  'wasi:io/poll': { needs: 'none', suspending: ['[method]pollable.block', 'poll'] },
  'wasi:io/streams': {
    needs: 'none',
    suspending: [
      '[method]input-stream.blocking-read',
      '[method]input-stream.blocking-skip',
      '[method]output-stream.blocking-write-and-flush',
      '[method]output-stream.blocking-flush',
      '[method]output-stream.blocking-write-zeroes-and-flush',
      '[method]output-stream.blocking-splice',
    ],
  },
  'wasi:sockets/network': { needs: '--net', suspending: [] },
  'wasi:sockets/instance-network': { needs: '--net', suspending: [] },
  'wasi:sockets/tcp': { needs: '--net', suspending: [] },
  'wasi:sockets/tcp-create-socket': { needs: '--net', suspending: [] },
  'wasi:sockets/udp': { needs: '--net', suspending: [] },
  'wasi:sockets/udp-create-socket': { needs: '--net', suspending: [] },
  'wasi:sockets/ip-name-lookup': { needs: '--net', suspending: [] },
  'wasi:random/random': { needs: 'none', suspending: [] },
  'wasi:random/insecure': { needs: 'none', suspending: [] },
  'wasi:random/insecure-seed': { needs: 'none', suspending: [] },
};

/** The version each interface is defined as; the linker matches every 0.2.x. */
export const wasiVersion = '0.2.0';

export type Functions = Readonly<Record<string, HostFunction | HostResource>>;

/**
 * Joins an interface's functions with its static facts. The object has no prototype: what a component
 * asks for by name is looked up in it.
 */
export function offer(name: string, functions: Functions): [name: string, offered: HostInterface] {
  const facts = offers[name];
  if (facts === undefined) throw new Error(`bug: ${name} is not among the offers`);
  const bare: Functions = Object.assign(Object.create(null), functions);
  return [`${name}@${wasiVersion}`, { functions: bare, suspending: new Set(facts.suspending) }];
}
