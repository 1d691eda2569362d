import { HostError } from '../errors.ts';

// biome-ignore lint/suspicious/noExplicitAny: host functions take whatever their WIT signature says; lanes check the types
export type HostFunction = (...args: any[]) => unknown;
// biome-ignore lint/suspicious/noExplicitAny: a resource class is constructed by the guest with WIT-typed arguments
export type HostResource = abstract new (...args: any[]) => object;

/**
 * One WIT interface the host offers, in jco's conventions in both lanes: function names in camelCase,
 * resources as classes (methods camelCase, statics static, drop = `[Symbol.dispose]`), records as objects
 * with camelCase keys, variants and results `{tag, val}`, enums strings, flags objects of booleans,
 * `option` undefined, `list<u8>` Uint8Array, u64 and s64 bigint. A function whose WIT type is
 * `result<T, E>` returns the T, or throws a `WitError` that carries the E.
 * Functions named in `suspending` (WIT names: `request`, `[method]pollable.block`) may return a promise.
 */
export interface HostInterface {
  readonly functions: Readonly<Record<string, HostFunction | HostResource>>;
  readonly suspending: ReadonlySet<string>;
}

/** The `err` of a host function's `result`. Not an `Error`: an `Error` out of an import is a host fault. */
export class WitError<E = unknown> {
  readonly payload: E;
  constructor(payload: E) {
    this.payload = payload;
  }
}

/** What a linker is not told beforehand, made when a program asks for it; by the name `compatibleName` gives. */
export type Offers = (compatible: string) => HostInterface | undefined;

/** Host interfaces by WIT name; versions match as semver compatible (same major, or same 0.minor). */
export class Linker {
  readonly #offers: Offers | undefined;
  #interfaces: Map<string, HostInterface> | undefined;

  /** `offers`: asked for what was not defined, once for each interface. */
  constructor(offers?: Offers) {
    this.#offers = offers;
  }

  /** Adds or replaces one interface, by full name: `wasi:io/streams@0.2.6`, `motehost:agent/log@0.1.0`, `$root` for world-level functions. */
  define(name: string, offered: HostInterface): this {
    this.#keep(compatibleName(name), offered);
    return this;
  }

  /** The interface that satisfies an import, or undefined. */
  get(importName: string): HostInterface | undefined {
    const name = compatibleName(importName);
    const known = this.#interfaces?.get(name);
    if (known !== undefined || this.#offers === undefined) return known;
    const offered = this.#offers(name);
    if (offered !== undefined) this.#keep(name, offered);
    return offered;
  }

  #keep(name: string, offered: HostInterface): void {
    this.#interfaces ??= new Map();
    this.#interfaces.set(name, offered);
  }

  /** @throws HostError `HOST_ERR_LINK_MISSING_IMPORT` with the whole list of what is missing */
  require(importNames: readonly string[]): void {
    const missing = importNames.filter((name) => this.get(name) === undefined);
    if (missing.length === 0) return;
    throw new HostError(
      'HOST_ERR_LINK_MISSING_IMPORT',
      `the program imports what this host does not offer: ${missing.join(', ')}`,
      { missing },
    );
  }
}

/** Names come out of guests' files, so only so many are remembered. */
const compatibleNamesMax = 1024;
const compatibleNames = new Map<string, string>();

/** `a:b/c@0.2.6` → `a:b/c@0.2`; `a:b/c@1.4.0` → `a:b/c@1`; without a version unchanged. */
export function compatibleName(name: string): string {
  let known = compatibleNames.get(name);
  if (known === undefined) {
    known = withoutPatch(name);
    if (compatibleNames.size < compatibleNamesMax) compatibleNames.set(name, known);
  }
  return known;
}

function withoutPatch(name: string): string {
  const match = /^(.*)@(\d+)\.(\d+)\.(\d+)(-[^+]+)?/.exec(name);
  if (match === null) return name;
  const [, base, major, minor, patch, pre] = match;
  if (pre !== undefined) return name;
  if (major !== '0') return `${base}@${major}`;
  return minor !== '0' ? `${base}@0.${minor}` : `${base}@0.0.${patch}`;
}
