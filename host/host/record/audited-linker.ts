import {
  type HostFunction,
  type HostInterface,
  type HostResource,
  type Linker,
  WitError,
} from '../../engine/linker.ts';
import { WrappingLinker } from '../../engine/wrapping-linker.ts';

/** One call of a host function has come back: `ok`, `error` (one that its WIT type knows), or `fault`. */
export type CallNote = (name: string, outcome: 'ok' | 'error' | 'fault', detail: string | null) => void;

/** What another linker offers, with every call of it told. */
export class AuditedLinker extends WrappingLinker {
  constructor(linker: Linker, note: CallNote) {
    super(linker, (importName, offered) => wrap(importName, offered, note));
  }
}

function wrap(
  interfaceName: string,
  { functions, suspending }: HostInterface,
  note: CallNote,
): HostInterface {
  const entries = Object.entries(functions).map(([name, real]) => {
    const full = `${interfaceName}#${name}`;
    return [
      name,
      isClass(name, real) ? wrapClass(full, real, note) : wrapFunction(full, real as HostFunction, note),
    ];
  });
  return { functions: Object.fromEntries(entries), suspending };
}

/** Resources are offered under names in PascalCase, functions in camelCase. */
function isClass(name: string, offered: HostFunction | HostResource): offered is HostResource {
  return /^[A-Z]/.test(name) && typeof offered.prototype === 'object';
}

function wrapFunction(name: string, real: HostFunction, note: CallNote): HostFunction {
  return (...args) => told(name, note, () => real(...args));
}

/**
 * A resource's objects go in and out of the guest and of other interfaces, so the class stays the same one: a subclass's
 * methods tell, and what the host itself makes of it is of the real class and is told by the functions that return it.
 */
function wrapClass(name: string, real: HostResource, note: CallNote): HostResource {
  return new Proxy(real, {
    construct: (target, args, self) =>
      told(`${name}.constructor`, note, () => Reflect.construct(target as never, args, self)) as object,
    get: (target, key) => {
      const member: unknown = Reflect.get(target, key);
      if (key === 'prototype' || typeof member !== 'function' || typeof key !== 'string') return member;
      return (...args: unknown[]) => told(`${name}.${key}`, note, () => Reflect.apply(member, target, args));
    },
  });
}

function told(name: string, note: CallNote, act: () => unknown): unknown {
  let result: unknown;
  try {
    result = act();
  } catch (thrown) {
    noteThrown(name, note, thrown);
    throw thrown;
  }
  if (result instanceof Promise) return toldLater(name, note, result);
  note(name, 'ok', null);
  return result;
}

/** Whoever can cancel the promise still can. */
function toldLater(name: string, note: CallNote, result: Promise<unknown>): Promise<unknown> {
  const settled = result.then(
    (value) => {
      note(name, 'ok', null);
      return value;
    },
    (thrown: unknown) => {
      noteThrown(name, note, thrown);
      throw thrown;
    },
  );
  const { cancel } = result as { cancel?: unknown };
  return typeof cancel === 'function'
    ? Object.assign(settled, { cancel: () => cancel.call(result) })
    : settled;
}

const detailCharsMax = 200;

function noteThrown(name: string, note: CallNote, thrown: unknown): void {
  if (thrown instanceof WitError) note(name, 'error', tagOf(thrown.payload));
  else note(name, 'fault', String(thrown).slice(0, detailCharsMax));
}

function tagOf(payload: unknown): string | null {
  if (typeof payload === 'string') return payload.slice(0, detailCharsMax);
  const tag =
    typeof payload === 'object' && payload !== null ? (payload as { tag?: unknown }).tag : undefined;
  return typeof tag === 'string' ? tag.slice(0, detailCharsMax) : null;
}
