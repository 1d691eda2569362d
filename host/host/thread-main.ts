import type { Channel } from '../engine/worker/channel.ts';
import { joinOwner, threadStart } from '../engine/worker/main.ts';
import type { OwnerCalls, ThreadCalls, ThreadPlace, ThreadSettings } from './control.ts';
import { AgentThread } from './thread.ts';

const settings = threadStart<ThreadSettings>().start;
/** Resolves when the thread has taken its place: what is asked of it meanwhile waits. */
let placing: Promise<AgentThread> | undefined;

function placed(): Promise<AgentThread> {
  return placing ?? Promise.reject(new Error('bug: a spare thread was asked for something'));
}

const owner: Channel<ThreadCalls, OwnerCalls> = joinOwner<ThreadCalls, OwnerCalls>({
  answers: {
    place: async (place: ThreadPlace) => {
      placing = AgentThread.start(settings, place, (entries) => owner.post('logs', entries));
      await placing;
    },
    relink: async (end) => (await placed()).relink(end),
    holds: async (names) => (await placed()).holds(names),
    learn: async (spec) => (await placed()).population.learn(spec),
    forget: async (spec) => (await placed()).population.forget(spec),
    add: async ({ spec, agents }) => (await placed()).population.add(spec, agents),
    replace: async ({ id, spec }) => (await placed()).population.replace(id, spec),
    remove: async (id) => (await placed()).population.remove(id),
    report: async (ids) => {
      const { population } = await placed();
      return ids.map((id) => population.reportOf(id));
    },
    status: async () => (await placed()).status(),
    deadLetters: async (max) => (await placed()).bus.deadLetters(max),
    retryDeadLetter: async (id) => (await placed()).bus.retryDeadLetter(id),
    dropDeadLetter: async (id) => (await placed()).bus.dropDeadLetter(id),
    drain: async (drainMs) => (await placed()).drain(drainMs),
  },
  onRetire: async () => (await placing)?.close(),
});
