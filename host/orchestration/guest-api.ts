import { type GuestPayload, type GuestThreshold, Orchestra, type OrchestrationGuest } from './orchestra.ts';
import { shardOf } from './shards.ts';

export type {
  GuestPayload,
  OrchestrationGuest,
  OrchestrationRights,
  Passing,
  Permitted,
} from './orchestra.ts';

/** The functions of `motehost:agent/orchestration@0.1.0` (wit/orchestration.wit). */
export interface OrchestrationGuestApi {
  readonly functions: Readonly<Record<string, (...args: never[]) => unknown>>;
  /** May return a promise, by their WIT names. */
  readonly suspending: ReadonlySet<string>;
}

const suspending: ReadonlySet<string> = new Set([
  'open-channel',
  'put',
  'take',
  'close-channel',
  'acquire-lease',
  'renew-lease',
  'release-lease',
  'signal',
  'await-signal',
  'join-group',
  'leave-group',
  'members',
  'neighbours',
  'broadcast',
  'ask-quorum',
  'ask-group',
  'spawn',
  'end-child',
  'children',
]);

/** Orchestration as one agent sees it: what it may not use and what is not there are the same to it. */
export function orchestrationGuestApi(guest: OrchestrationGuest): OrchestrationGuestApi {
  const orchestra = new Orchestra(guest);
  return {
    functions: {
      openChannel: (name: string, valuesMax: number) => orchestra.open(name, valuesMax),
      put: (channel: string, value: Uint8Array, waitMs: number) =>
        guest.during((signal) => orchestra.put(channel, value, waitMs, signal)),
      take: (channel: string, waitMs: number) =>
        guest.during((signal) => orchestra.take(channel, waitMs, signal)),
      closeChannel: (name: string) => orchestra.close(name),
      acquireLease: (name: string, ttlMs: number, waitMs: number) =>
        guest.during((signal) => orchestra.acquireLease(name, ttlMs, waitMs, signal)),
      renewLease: (name: string, token: bigint, ttlMs: number) => orchestra.renewLease(name, token, ttlMs),
      releaseLease: (name: string, token: bigint) => orchestra.releaseLease(name, token),
      signal: (agent: string, word: string) => orchestra.raise(agent, word),
      awaitSignal: (word: string, waitMs: number) =>
        guest.during((signal) => orchestra.awaitSignal(word, waitMs, signal)),
      shardOf,
      joinGroup: (group: string, topology: string) => orchestra.join(group, topology),
      leaveGroup: (group: string) => orchestra.leave(group),
      members: async (group: string) => [...(await orchestra.group(group)).members].sort(),
      neighbours: async (group: string) => (await orchestra.group(group)).neighbours,
      broadcast: (group: string, payload: GuestPayload) =>
        guest.during((signal) => orchestra.broadcast(group, payload, signal)),
      askQuorum: (
        voters: readonly string[],
        question: GuestPayload,
        threshold: GuestThreshold,
        timeoutMs: number,
        hearAll: boolean,
      ) =>
        guest.during((signal) =>
          orchestra.askQuorum(voters, question, threshold, timeoutMs, hearAll, signal),
        ),
      askGroup: (
        group: string,
        question: GuestPayload,
        threshold: GuestThreshold,
        timeoutMs: number,
        hearAll: boolean,
      ) =>
        guest.during((signal) => orchestra.askGroup(group, question, threshold, timeoutMs, hearAll, signal)),
      spawn: (like: string, name: string, isDetached: boolean) =>
        guest.during((signal) => orchestra.spawn(like, name, isDetached, signal)),
      endChild: (name: string) => orchestra.endChild(name),
      children: () => orchestra.children(),
    },
    suspending,
  };
}
