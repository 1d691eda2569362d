import type { DeadLetter as BusDeadLetter } from '../bus/dead-letters.ts';
import type { Channel } from '../engine/worker/channel.ts';
import { joinOwner, threadStart } from '../engine/worker/main.ts';
import type { OwnerCalls, ThreadCalls, ThreadPlace, ThreadSettings } from './control.ts';
import { AgentThread } from './thread.ts';

const settings = threadStart<ThreadSettings>().start;
let agentThread: AgentThread | undefined;

function placed(): AgentThread {
  if (agentThread === undefined) throw new Error('bug: a spare thread was asked for something');
  return agentThread;
}

const owner: Channel<ThreadCalls, OwnerCalls> = joinOwner<ThreadCalls, OwnerCalls>({
  answers: {
    place: async (place: ThreadPlace) => {
      agentThread = await AgentThread.start(settings, place, (entries) => owner.post('logs', entries));
    },
    holds: (names) => placed().holds(names),
    relink: (end) => placed().relink(end),
    learn: (spec) => placed().population.learn(spec),
    forget: (spec) => placed().population.forget(spec),
    add: ({ spec, agents }) => placed().population.add(spec, agents),
    replace: ({ id, spec }) => placed().population.replace(id, spec),
    remove: (id) => placed().population.remove(id),
    report: (ids) => ids.map((id) => placed().population.reportOf(id)),
    status: () => placed().status(),
    deadLetters: (max): readonly BusDeadLetter[] => placed().bus.deadLetters(max),
    retryDeadLetter: (id) => placed().bus.retryDeadLetter(id),
    dropDeadLetter: (id) => placed().bus.dropDeadLetter(id),
    drain: (drainMs) => placed().drain(drainMs),
  },
  onRetire: () => agentThread?.close(),
});
