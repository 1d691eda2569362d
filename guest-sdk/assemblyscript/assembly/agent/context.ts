// `motehost:agent/context` with words for the common case: texts, and writing whatever was there before.
import { ContextError, get, Precondition, put } from "motehost:agent/context";
import { Result } from "../result";
import { bytesOf } from "./body";
import { decode } from "./utf8";

export {
  ContextError, ContextErrorTag, delete_, Entry, get, KeyInfo, list, MemoryUsage, Page, Precondition, PreconditionTag, put, usage,
} from "motehost:agent/context";

/** Writes a text or bytes, whatever was there before. Returns the new revision. */
export function set<T>(key: string, value: T): Result<u64, ContextError> {
  return put(key, bytesOf<T>(value), Precondition.always());
}

/** A value as text, null if the key has none. */
export function getText(key: string): Result<string | null, ContextError> {
  const found = get(key);
  if (found.isErr) return Result.err<string | null, ContextError>(found.error);
  const entry = found.value;
  return Result.ok<string | null, ContextError>(entry === null ? null : decode(entry.value));
}
