import { joinOwner, threadStart } from '../../engine/worker/main.ts';
import type { OwnerCalls, ThreadCalls, ThreadSettings } from './control.ts';
import { AgentThread } from './thread.ts';

const settings = threadStart<ThreadSettings>().start;
let placing: Promise<AgentThread> | undefined;

async function placed(): Promise<AgentThread> {
  if (placing === undefined) throw new Error('bug: a spare thread was asked for something');
  return placing;
}

/** For what nobody waits for: a thread that could not take its place has told so. */
function tell(act: (thread: AgentThread) => void): void {
  placed().then(act, () => {});
}

const owner = joinOwner<ThreadCalls, OwnerCalls>({
  answers: {
    place: async (place) => {
      placing = AgentThread.start(settings, place, {
        logs: (entries) => owner.post('logs', entries),
        journal: (isTaking) => owner.post('journal', isTaking),
        subscriptions: (changed) => owner.post('subscriptions', changed),
        approve: (asked) => owner.call('approve', asked),
        settle: (asked) => owner.call('settle', asked),
        orchestrate: (asked) => owner.call('orchestrate', asked),
        unwanted: (call) => owner.post('unwanted', call),
        halted: (change) => owner.post('halted', change),
        ended: (change) => owner.post('ended', change),
        exited: (exit) => owner.post('exited', exit),
        unwell: (asked) => owner.post('unwell', asked),
        steal: (asked) => owner.call('steal', asked),
      });
      await placing;
    },
    openDoor: async ({ module, settings: door }) => (await placed()).door.open(module, door),
    doorMetrics: async () => (await placed()).door.metrics(),
    closeDoor: async (drainMs) => (await placed()).door.close(drainMs),
    holds: async (names) => (await placed()).holds(names),
    relink: (end) => tell((thread) => thread.relink(end)),
    learn: async (spec) => (await placed()).population.learn(spec),
    forget: (spec) => tell((thread) => thread.population.forget(spec)),
    add: async ({ spec, agents, isAgain }) => (await placed()).add(spec, agents, isAgain),
    replace: async ({ id, spec }) => (await placed()).population.replace(id, spec),
    resume: async ({ id, isDropped }) => (await placed()).population.resume(id, isDropped),
    takeCare: async (ids) => {
      const { population } = await placed();
      for (const id of ids) population.custody.take(id);
    },
    releaseCare: async (id) => (await placed()).population.custody.release(id),
    begin: async (id) => (await placed()).population.custody.begin(id),
    rest: async ({ id, reason }) => (await placed()).population.custody.rest(id, reason),
    quell: async ({ id, why }) => (await placed()).population.custody.quell(id, why),
    tie: ({ ids, isTied }) =>
      tell(({ population }) => {
        for (const id of ids) population.custody.tie(id, isTied);
      }),
    finish: (id) => tell(({ population }) => population.completion.finish(id)),
    endLinked: ({ id, why }) => tell(({ population }) => void population.custody.endLinked(id, why)),
    remove: async (id) => (await placed()).remove(id),
    pull: async ({ id, rein, by }) => (await placed()).population.pull(id, rein, by),
    until: async ({ id, states, timeoutMs }) => (await placed()).until(id, states, timeoutMs),
    report: async (ids) => {
      const thread = await placed();
      return ids.map((id) => thread.reportOf(id));
    },
    status: async () => (await placed()).status(),
    deadLetters: async (max) => (await placed()).bus.deadLetters(max),
    retryDeadLetter: async (id) => (await placed()).retryDeadLetter(id),
    dropDeadLetter: async (id) => (await placed()).dropDeadLetter(id),
    rotated: async (generations) => (await placed()).proofs.rotated(generations),
    messageProof: async (id) => (await placed()).proofs.proofOf(id),
    recorded: async () => (await placed()).recorded(),
    settledIds: async () => (await placed()).mail.journal.settledIds(),
    remember: async (ids) => (await placed()).remember(ids),
    deliver: async (cutOff) => (await placed()).deliver(cutOff),
    candidates: async (max) => (await placed()).passage.candidates(max),
    leave: async (ids) => (await placed()).leave(ids),
    arrive: async ({ spec, luggage }) => (await placed()).passage.arrive(spec, luggage),
    released: (agents) => tell((thread) => thread.released(agents)),
    returned: (number) => tell((thread) => thread.bus.returned(number)),
    drain: async (drainMs) => (await placed()).drain(drainMs),
    save: async () => (await placed()).save(),
  },
  onRetire: async () => {
    const thread = await placing?.catch(() => undefined);
    await thread?.close();
  },
});
