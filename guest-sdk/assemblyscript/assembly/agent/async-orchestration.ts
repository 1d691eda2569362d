// `motehost:agent/async-orchestration` with words for the common case: texts or bytes.
import {
  acquireLease as acquire, askGroup as askGroupPayload, askQuorum as askQuorumPayload, awaitSignal as awaitWord,
  broadcast as broadcastPayload, put as putBytes, spawn as spawnAgent, take as takeBytes,
} from "motehost:agent/async-orchestration";
import { Coverage, Lease, OrchestrationError, Tally, Threshold } from "motehost:agent/orchestration";
import { Future } from "../future";
import { Result, Unit } from "../result";
import { bytesOf, payloadOf } from "./body";

export { Coverage, Lease, OrchestrationError, Tally, Threshold } from "motehost:agent/orchestration";

/** Puts a text or bytes at the end of a channel, and waits so long for room. */
export function put<T>(channel: string, value: T, waitMs: u32): Future<Result<Unit, OrchestrationError>> {
  return putBytes(channel, bytesOf<T>(value), waitMs);
}

/** Takes the oldest value of a channel, and waits so long for one. */
export function take(channel: string, waitMs: u32): Future<Result<Uint8Array, OrchestrationError>> {
  return takeBytes(channel, waitMs);
}

/** Takes a lease, and waits so long for it. */
export function acquireLease(name: string, ttlMs: u32, waitMs: u32): Future<Result<Lease, OrchestrationError>> {
  return acquire(name, ttlMs, waitMs);
}

/** The agent that told this one a word, within this time. */
export function awaitSignal(word: string, waitMs: u32): Future<Result<string, OrchestrationError>> {
  return awaitWord(word, waitMs);
}

/** Gives every other member of a group a text, bytes or a `Payload`, once. */
export function broadcast<T>(group: string, body: T): Future<Result<Coverage, OrchestrationError>> {
  return broadcastPayload(group, payloadOf<T>(body));
}

/** Asks agents the same, and gathers their answers. 0 milliseconds: the host's default. */
export function askQuorum<T>(
  voters: string[], question: T, threshold: Threshold, timeoutMs: u32 = 0, hearAll: bool = false,
): Future<Result<Tally, OrchestrationError>> {
  return askQuorumPayload(voters, payloadOf<T>(question), threshold, timeoutMs, hearAll);
}

/** As `askQuorum`, for all other members of a group. */
export function askGroup<T>(
  group: string, question: T, threshold: Threshold, timeoutMs: u32 = 0, hearAll: bool = false,
): Future<Result<Tally, OrchestrationError>> {
  return askGroupPayload(group, payloadOf<T>(question), threshold, timeoutMs, hearAll);
}

/** Makes an agent like an installed one. */
export function spawn(like: string, name: string, detached: bool = false): Future<Result<Unit, OrchestrationError>> {
  return spawnAgent(like, name, detached);
}
