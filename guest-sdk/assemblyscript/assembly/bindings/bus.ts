import { give, liftString, optionLength, optionStart, results } from "../abi/memory";
import { Result, Unit } from "../result";
import { Failure, liftFailure, liftPayload, lowerHeaders, Payload } from "./types";

// @ts-ignore: decorator
@external("motehost:agent/bus@0.1.0", "send")
declare function __send(
  agent: usize, agentUnits: i32, hasId: i32, id: usize, idUnits: i32,
  hasType: i32, type: usize, typeUnits: i32, headers: usize, headerCount: i32, body: usize, bodyBytes: i32,
  result: usize,
): void;
// @ts-ignore: decorator
@external("motehost:agent/bus@0.1.0", "publish")
declare function __publish(
  subject: usize, subjectUnits: i32, hasId: i32, id: usize, idUnits: i32,
  hasType: i32, type: usize, typeUnits: i32, headers: usize, headerCount: i32, body: usize, bodyBytes: i32,
  result: usize,
): void;
// @ts-ignore: decorator
@external("motehost:agent/bus@0.1.0", "request")
declare function __request(
  subject: usize, subjectUnits: i32,
  hasType: i32, type: usize, typeUnits: i32, headers: usize, headerCount: i32, body: usize, bodyBytes: i32,
  timeoutMs: u32, result: usize,
): void;
// @ts-ignore: decorator
@external("motehost:agent/bus@0.1.0", "subscribe")
declare function __subscribe(
  pattern: usize, patternUnits: i32, hasGroup: i32, group: usize, groupUnits: i32, result: usize,
): void;
// @ts-ignore: decorator
@external("motehost:agent/bus@0.1.0", "unsubscribe")
declare function __unsubscribe(subscription: u64, result: usize): void;

export enum BusErrorTag {
  denied, unavailable, full, rateLimited, timedOut, noResponders, tooLarge, invalidSubject, unsupported, failed,
  cancelled, other,
}

/** Why the bus did not do what was asked. */
export class BusError {
  constructor(
    readonly tag: BusErrorTag,
    /** Milliseconds to wait (`full`, `rateLimited`) or the limit in bytes (`tooLarge`), otherwise 0. */
    readonly amount: u64,
    /** The words of `invalidSubject`, `unsupported`, `failed` and `other`, otherwise empty. */
    readonly text: string,
    /** The receiver's failure in the case `failed`, otherwise null. */
    readonly failure: Failure | null,
  ) {}
}

/** Names one subscription of this agent. */
export type Subscription = u64;

/** Puts a message into one agent's mailbox; returns its id. The same `id` twice is delivered once. */
export function send(agent: string, id: string | null, payload: Payload): Result<string, BusError> {
  const headers = lowerHeaders(payload.headers);
  const type = payload.contentType;
  __send(
    changetype<usize>(agent), agent.length,
    i32(id !== null), optionStart(id), optionLength(id),
    i32(type !== null), optionStart(type), optionLength(type),
    headers, payload.headers.length, payload.body.dataStart, payload.body.length,
    results,
  );
  if (payload.headers.length != 0) give(headers);
  return liftId();
}

/** Gives a copy to everybody subscribed to the subject; returns the message's id. */
export function publish(subject: string, id: string | null, payload: Payload): Result<string, BusError> {
  const headers = lowerHeaders(payload.headers);
  const type = payload.contentType;
  __publish(
    changetype<usize>(subject), subject.length,
    i32(id !== null), optionStart(id), optionLength(id),
    i32(type !== null), optionStart(type), optionLength(type),
    headers, payload.headers.length, payload.body.dataStart, payload.body.length,
    results,
  );
  if (payload.headers.length != 0) give(headers);
  return liftId();
}

/** Asks, and waits for the first answer; 0 milliseconds: the host's default. */
export function request(subject: string, payload: Payload, timeoutMs: u32): Result<Payload, BusError> {
  const headers = lowerHeaders(payload.headers);
  const type = payload.contentType;
  __request(
    changetype<usize>(subject), subject.length,
    i32(type !== null), optionStart(type), optionLength(type),
    headers, payload.headers.length, payload.body.dataStart, payload.body.length,
    timeoutMs, results,
  );
  if (payload.headers.length != 0) give(headers);
  if (load<u8>(results) != 0) return Result.err<Payload, BusError>(liftBusError());
  return Result.ok<Payload, BusError>(liftPayload(results + 8));
}

/** From now on, messages that match the pattern come to `handle`; members of one group share them. */
export function subscribe(pattern: string, group: string | null): Result<Subscription, BusError> {
  __subscribe(
    changetype<usize>(pattern), pattern.length, i32(group !== null), optionStart(group), optionLength(group), results,
  );
  if (load<u8>(results) != 0) return Result.err<Subscription, BusError>(liftBusError());
  return Result.ok<Subscription, BusError>(load<u64>(results, 8));
}

/** Ends a subscription. */
export function unsubscribe(subscription: Subscription): Result<Unit, BusError> {
  __unsubscribe(subscription, results);
  if (load<u8>(results) != 0) return Result.err<Unit, BusError>(liftBusError());
  return Result.ok<Unit, BusError>(true);
}

function liftId(): Result<string, BusError> {
  if (load<u8>(results) != 0) return Result.err<string, BusError>(liftBusError());
  return Result.ok<string, BusError>(liftString(results + 8));
}

function liftBusError(): BusError {
  const at = results + 8;
  const tag = <BusErrorTag>load<u8>(at);
  if (tag == BusErrorTag.full || tag == BusErrorTag.rateLimited) return new BusError(tag, load<u32>(at, 8), "", null);
  if (tag == BusErrorTag.tooLarge) return new BusError(tag, load<u64>(at, 8), "", null);
  if (tag == BusErrorTag.failed) {
    const failure = liftFailure(at + 8);
    return new BusError(tag, 0, failure.text, failure);
  }
  if (tag == BusErrorTag.invalidSubject || tag == BusErrorTag.unsupported || tag == BusErrorTag.other)
    return new BusError(tag, 0, liftString(at + 8), null);
  return new BusError(tag, 0, "", null);
}
