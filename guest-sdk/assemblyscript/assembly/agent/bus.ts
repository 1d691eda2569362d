// `motehost:agent/bus` with words for the common case: a text or bytes, no headers, no id of one's own.
import { BusError, publish as publishPayload, request as requestPayload, send as sendPayload } from "motehost:agent/bus";
import { Payload } from "motehost:agent/types";
import { Result } from "../result";
import { payloadOf } from "./body";

export { BusError, BusErrorTag, Subscription, subscribe, unsubscribe } from "motehost:agent/bus";

/** Puts a message into one agent's mailbox: a text, bytes or a `Payload`. Returns its id. The same `id` twice is delivered once. */
export function send<T>(agent: string, body: T, id: string | null = null): Result<string, BusError> {
  return sendPayload(agent, id, payloadOf<T>(body));
}

/** Gives a copy to everybody subscribed to the subject. Returns the message's id. */
export function publish<T>(subject: string, body: T, id: string | null = null): Result<string, BusError> {
  return publishPayload(subject, id, payloadOf<T>(body));
}

/** Asks, and waits for the first answer; 0 milliseconds: the host's default. */
export function request<T>(subject: string, body: T, timeoutMs: u32 = 0): Result<Payload, BusError> {
  return requestPayload(subject, payloadOf<T>(body), timeoutMs);
}
