// `motehost:agent/orchestration` with words for the common case: texts or bytes, and no waiting unless it is asked for.
import {
  acquireLease as acquire, askGroup as askGroupPayload, askQuorum as askQuorumPayload, awaitSignal as awaitWord, broadcast as broadcastPayload, Coverage, Lease,
  OrchestrationError,
  put as putBytes, spawn as spawnAgent, take as takeBytes, Tally, Threshold,
} from "motehost:agent/orchestration";
import { Result, Unit } from "../result";
import { bytesOf, payloadOf } from "./body";
import { decode } from "./utf8";

export {
  Ballot, children, closeChannel, Coverage, endChild, joinGroup, Lease, leaveGroup, members, neighbours,
  openChannel, OrchestrationError, OrchestrationErrorTag, releaseLease, renewLease, shardOf, signal, Tally, Threshold, ThresholdTag,
  Topology, Vote, VoteTag,
} from "motehost:agent/orchestration";

/** Puts a text or bytes at the end of a channel, and waits so long for room. */
export function put<T>(channel: string, value: T, waitMs: u32 = 0): Result<Unit, OrchestrationError> {
  return putBytes(channel, bytesOf<T>(value), waitMs);
}

/** Takes the oldest value of a channel, and waits so long for one. */
export function take(channel: string, waitMs: u32 = 0): Result<Uint8Array, OrchestrationError> {
  return takeBytes(channel, waitMs);
}

/** As `take`, for a text. */
export function takeText(channel: string, waitMs: u32 = 0): Result<string, OrchestrationError> {
  const taken = takeBytes(channel, waitMs);
  if (taken.isErr) return Result.err<string, OrchestrationError>(taken.error);
  return Result.ok<string, OrchestrationError>(decode(taken.value));
}

/** Takes a lease for so long, and waits so long for it. */
export function acquireLease(name: string, ttlMs: u32, waitMs: u32 = 0): Result<Lease, OrchestrationError> {
  return acquire(name, ttlMs, waitMs);
}

/** The agent that told this one a word; waits so long for it. */
export function awaitSignal(word: string, waitMs: u32 = 0): Result<string, OrchestrationError> {
  return awaitWord(word, waitMs);
}

/** Gives every other member of a group a text, bytes or a `Payload`, once. */
export function broadcast<T>(group: string, body: T): Result<Coverage, OrchestrationError> {
  return broadcastPayload(group, payloadOf<T>(body));
}

/** Asks agents the same, and gathers their answers. 0 milliseconds: the host's default. */
export function askQuorum<T>(
  voters: string[], question: T, threshold: Threshold, timeoutMs: u32 = 0, hearAll: bool = false,
): Result<Tally, OrchestrationError> {
  return askQuorumPayload(voters, payloadOf<T>(question), threshold, timeoutMs, hearAll);
}

/** As `askQuorum`, for all other members of a group. */
export function askGroup<T>(
  group: string, question: T, threshold: Threshold, timeoutMs: u32 = 0, hearAll: bool = false,
): Result<Tally, OrchestrationError> {
  return askGroupPayload(group, payloadOf<T>(question), threshold, timeoutMs, hearAll);
}

/** Makes an agent like an installed one, with no more rights than this one has; it ends with this one unless detached. */
export function spawn(like: string, name: string, detached: bool = false): Result<Unit, OrchestrationError> {
  return spawnAgent(like, name, detached);
}
