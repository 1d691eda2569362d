import {
  give, liftBytes, liftOptionString, liftString, newList, optionLength, optionStart, results, setItem,
} from "../abi/memory";
import { Box, Result } from "../result";

// @ts-ignore: decorator
@external("motehost:agent/context@0.1.0", "get")
declare function __get(key: usize, keyUnits: i32, result: usize): void;
// @ts-ignore: decorator
@external("motehost:agent/context@0.1.0", "put")
declare function __put(
  key: usize, keyUnits: i32, value: usize, valueBytes: i32, precondition: i32, revision: u64, result: usize,
): void;
// @ts-ignore: decorator
@external("motehost:agent/context@0.1.0", "delete")
declare function __delete(key: usize, keyUnits: i32, precondition: i32, revision: u64, result: usize): void;
// @ts-ignore: decorator
@external("motehost:agent/context@0.1.0", "list")
declare function __list(
  prefix: usize, prefixUnits: i32, hasAfter: i32, after: usize, afterUnits: i32, keysMax: u32, result: usize,
): void;
// @ts-ignore: decorator
@external("motehost:agent/context@0.1.0", "usage")
declare function __usage(result: usize): void;

export enum ContextErrorTag { denied, unavailable, conflict, tooLarge, full, invalidKey, cancelled, other }

/** Why memory did not do what was asked. */
export class ContextError {
  constructor(
    readonly tag: ContextErrorTag,
    /** The limit in bytes of `tooLarge` and `full`, otherwise 0. */
    readonly bytesMax: u64,
    /** The revision a `conflict` found, null if there is no value. */
    readonly revision: Box<u64> | null,
    /** The words of `invalidKey` and `other`, otherwise empty. */
    readonly text: string,
  ) {}
}

/** A value and its revision. */
export class Entry {
  constructor(public value: Uint8Array, public revision: u64) {}
}

export enum PreconditionTag { always, absent, revision }

/** What must be true for a change to happen. */
export class Precondition {
  static always(): Precondition { return new Precondition(PreconditionTag.always, 0); }
  /** The key has no value. */
  static absent(): Precondition { return new Precondition(PreconditionTag.absent, 0); }
  /** The value has this revision. */
  static revision(revision: u64): Precondition { return new Precondition(PreconditionTag.revision, revision); }

  constructor(readonly tag: PreconditionTag, readonly revision: u64) {}
}

/** A key without its value. */
export class KeyInfo {
  constructor(public key: string, public revision: u64, public bytes: u64) {}
}

/** Some keys in ascending order; pass `next` as `after` to go on. */
export class Page {
  constructor(public keys: KeyInfo[], public next: string | null) {}
}

/** What this agent's memory takes and may take. */
export class MemoryUsage {
  constructor(public entries: u64, public bytes: u64, public bytesMax: u64, public valueBytesMax: u64) {}
}

/** The value of a key, null if it has none. */
export function get(key: string): Result<Entry | null, ContextError> {
  __get(changetype<usize>(key), key.length, results);
  if (load<u8>(results) != 0) return Result.err<Entry | null, ContextError>(liftContextError());
  if (load<u8>(results, 8) == 0) return Result.ok<Entry | null, ContextError>(null);
  const revision = load<u64>(results, 24);
  return Result.ok<Entry | null, ContextError>(new Entry(liftBytes(results + 16), revision));
}

/** Writes a value; returns its new revision. */
export function put(key: string, value: Uint8Array, precondition: Precondition): Result<u64, ContextError> {
  __put(
    changetype<usize>(key), key.length, value.dataStart, value.length, precondition.tag, precondition.revision, results,
  );
  if (load<u8>(results) != 0) return Result.err<u64, ContextError>(liftContextError());
  return Result.ok<u64, ContextError>(load<u64>(results, 8));
}

/** Removes a value; true if there was one. (WIT: `delete`, which is a keyword here.) */
export function delete_(key: string, precondition: Precondition): Result<bool, ContextError> {
  __delete(changetype<usize>(key), key.length, precondition.tag, precondition.revision, results);
  if (load<u8>(results) != 0) return Result.err<bool, ContextError>(liftContextError());
  return Result.ok<bool, ContextError>(load<u8>(results, 8) != 0);
}

/** Keys that begin with `prefix` and come after `after`; 0: as many as the host likes to give. */
export function list(prefix: string, after: string | null, keysMax: u32): Result<Page, ContextError> {
  __list(
    changetype<usize>(prefix), prefix.length, i32(after !== null), optionStart(after), optionLength(after), keysMax, results,
  );
  if (load<u8>(results) != 0) return Result.err<Page, ContextError>(liftContextError());
  const first = load<usize>(results, 8);
  const count = load<i32>(results, 12);
  const next = liftOptionString(results + 16);
  const keys = newList<KeyInfo>(count);
  for (let i = 0; i < count; i++) {
    const at = first + <usize>i * 24;
    setItem<KeyInfo>(keys, i, new KeyInfo(liftString(at), load<u64>(at, 8), load<u64>(at, 16)));
  }
  if (count != 0) give(first);
  return Result.ok<Page, ContextError>(new Page(keys, next));
}

/** How much is used. */
export function usage(): Result<MemoryUsage, ContextError> {
  __usage(results);
  if (load<u8>(results) != 0) return Result.err<MemoryUsage, ContextError>(liftContextError());
  return Result.ok<MemoryUsage, ContextError>(
    new MemoryUsage(load<u64>(results, 8), load<u64>(results, 16), load<u64>(results, 24), load<u64>(results, 32)),
  );
}

function liftContextError(): ContextError {
  const at = results + 8;
  const tag = <ContextErrorTag>load<u8>(at);
  if (tag == ContextErrorTag.conflict)
    return new ContextError(tag, 0, load<u8>(at, 8) == 0 ? null : new Box<u64>(load<u64>(at, 16)), "");
  if (tag == ContextErrorTag.tooLarge || tag == ContextErrorTag.full)
    return new ContextError(tag, load<u64>(at, 8), null, "");
  if (tag == ContextErrorTag.invalidKey || tag == ContextErrorTag.other)
    return new ContextError(tag, 0, null, liftString(at + 8));
  return new ContextError(tag, 0, null, "");
}
