import { Failure, Payload } from "motehost:agent/types";
import { Result } from "../result";
import { bytesOf } from "./body";

/** What `handle` returns: bytes for whoever asked, nothing, or a failure. */
export type Reply = Result<Uint8Array | null, Failure>;

/** Answers with a text (as UTF-8) or with bytes. */
export function reply<T>(body: T): Reply {
  return Result.ok<Uint8Array | null, Failure>(bytesOf<T>(body));
}

/** The message was dealt with and there is nothing to say. */
export function noReply(): Reply {
  return Result.ok<Uint8Array | null, Failure>(null);
}

/** The message was not dealt with. */
export function fail(failure: Failure): Reply {
  return Result.err<Uint8Array | null, Failure>(failure);
}

/** Something to send, from a text (as UTF-8) or from bytes. */
export function payload<T>(body: T, contentType: string | null = null): Payload {
  return new Payload(contentType, [], bytesOf<T>(body));
}
