import type { HostInterface } from '../../linker.ts';
import type { Functions, Need } from '../preview2/offer.ts';

/** Every interface of WASI 0.3 that the host offers, by name without version, and what must be granted before it is of use. */
export const offers: Readonly<Record<string, Need>> = {
  'wasi:cli/environment': '--env',
  'wasi:cli/exit': 'none',
  'wasi:cli/stdin': 'none',
  'wasi:cli/stdout': 'none',
  'wasi:cli/stderr': 'none',
  'wasi:cli/terminal-input': 'none',
  'wasi:cli/terminal-output': 'none',
  'wasi:cli/terminal-stdin': 'none',
  'wasi:cli/terminal-stdout': 'none',
  'wasi:cli/terminal-stderr': 'none',
  'wasi:clocks/monotonic-clock': 'none',
  'wasi:clocks/system-clock': 'none',
  'wasi:filesystem/types': '--dir',
  'wasi:filesystem/preopens': '--dir',
  'wasi:http/types': 'none',
  'wasi:http/client': '--net',
  'wasi:sockets/types': '--net',
  'wasi:sockets/ip-name-lookup': '--net',
  'wasi:random/random': 'none',
  'wasi:random/insecure': 'none',
  'wasi:random/insecure-seed': 'none',
};

/** The version each interface is defined as; the linker matches every 0.3.x. */
export const wasiVersion = '0.3.0';

/** Whether a full interface name is one of WASI 0.3. */
export const isPreview3 = (name: string): boolean => /^wasi:.*@0\.3\./.test(name);

const mayWait: ReadonlySet<string> = new Set();

/**
 * An interface under its full name. Which of its functions may wait is part of their types, unlike in WASI 0.2.
 * The object has no prototype: what a component asks for by name is looked up in it.
 */
export function offer(name: string, functions: Functions): [name: string, offered: HostInterface] {
  if (offers[name] === undefined) throw new Error(`bug: ${name} is not among the offers`);
  const bare: Functions = Object.assign(Object.create(null), functions);
  return [`${name}@${wasiVersion}`, { functions: bare, suspending: mayWait }];
}
