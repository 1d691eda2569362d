import type { OrchestrationGuestApi } from './guest-api.ts';
import { type GuestPayload, type GuestThreshold, Orchestra, type OrchestrationGuest } from './orchestra.ts';

/** What a guest asked for and may give up while it waits. */
type Cancellable<T> = Promise<T> & { cancel(): void };

const suspending: ReadonlySet<string> = new Set([
  'put',
  'take',
  'acquire-lease',
  'await-signal',
  'broadcast',
  'ask-quorum',
  'ask-group',
  'spawn',
]);

/** Orchestration for an agent that waits for several things at once (wit/async-orchestration.wit). */
export function asyncOrchestrationGuestApi(guest: OrchestrationGuest): OrchestrationGuestApi {
  const orchestra = new Orchestra(guest);
  return {
    functions: {
      put: (channel: string, value: Uint8Array, waitMs: number) =>
        cancellable((signal) => orchestra.put(channel, value, waitMs, signal)),
      take: (channel: string, waitMs: number) =>
        cancellable((signal) => orchestra.take(channel, waitMs, signal)),
      acquireLease: (name: string, ttlMs: number, waitMs: number) =>
        cancellable((signal) => orchestra.acquireLease(name, ttlMs, waitMs, signal)),
      awaitSignal: (word: string, waitMs: number) =>
        cancellable((signal) => orchestra.awaitSignal(word, waitMs, signal)),
      broadcast: (group: string, payload: GuestPayload) =>
        cancellable((signal) => orchestra.broadcast(group, payload, signal)),
      askQuorum: (
        voters: readonly string[],
        question: GuestPayload,
        threshold: GuestThreshold,
        timeoutMs: number,
        hearAll: boolean,
      ) =>
        cancellable((signal) => orchestra.askQuorum(voters, question, threshold, timeoutMs, hearAll, signal)),
      askGroup: (
        group: string,
        question: GuestPayload,
        threshold: GuestThreshold,
        timeoutMs: number,
        hearAll: boolean,
      ) =>
        cancellable((signal) => orchestra.askGroup(group, question, threshold, timeoutMs, hearAll, signal)),
      spawn: (like: string, name: string, isDetached: boolean) =>
        cancellable((signal) => orchestra.spawn(like, name, isDetached, signal)),
    },
    suspending,
  };
}

function cancellable<T>(act: (signal: AbortSignal) => Promise<T>): Cancellable<T> {
  const controller = new AbortController();
  return Object.assign(act(controller.signal), { cancel: () => controller.abort() });
}
