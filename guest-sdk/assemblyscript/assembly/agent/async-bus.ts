// `motehost:agent/async-bus` with words for the common case: a text or bytes, no headers.
import { request as requestPayload, waitMs } from "motehost:agent/async-bus";
import { BusError } from "motehost:agent/bus";
import { Payload } from "motehost:agent/types";
import { Future } from "../future";
import { Result, Unit } from "../result";
import { payloadOf } from "./body";

export { BusError, BusErrorTag } from "motehost:agent/bus";

/** Asks; the future is the first answer. 0 milliseconds: the host's default. Several may be under way. */
export function request<T>(subject: string, body: T, timeoutMs: u32 = 0): Future<Result<Payload, BusError>> {
  return requestPayload(subject, payloadOf<T>(body), timeoutMs);
}

/** Ends after this many milliseconds. */
export function sleep(ms: u32): Future<Unit> {
  return waitMs(ms);
}
