import { type Firing, Triggers } from '../agent/triggers/triggers.ts';
import type { Bus } from '../bus/bus.ts';
import { outside } from '../bus/delivery.ts';
import type { Clock, Random } from '../clock.ts';
import type { Policing } from './policy/policing.ts';
import type { AgentRecords } from './state/agent-records.ts';

/** The triggers of a host's agents, joined to its bus; what came due is remembered over restarts. */
export function openTriggers(
  bus: Bus,
  records: AgentRecords,
  clock: Clock,
  random: Random,
  onRefused: (agent: string, trigger: string, why: string) => void,
  policing: Pick<Policing, 'hears' | 'isUnlabelled'> | undefined,
  finished: (agent: string) => void,
): Triggers {
  const fire = (agent: string, { name, subject, body, contentType, dueMs, pattern }: Firing): void => {
    if (pattern !== undefined && policing?.hears(agent, pattern, name) === false) return;
    const send = async (): Promise<void> => {
      const result = await bus.send(outside, agent, { contentType, headers: [], body }, { subject });
      if ('tag' in result) onRefused(agent, name, result.tag);
      // Not before it is on disk: what came due and was not sent is made up for after a restart.
      else if (!subject.startsWith('host.')) records.putDue(agent, name, dueMs);
    };
    send().catch((thrown: unknown) =>
      onRefused(agent, name, thrown instanceof Error ? thrown.message : String(thrown)),
    );
  };
  return new Triggers({
    clock,
    chance: () => chanceOf(random),
    fire,
    finished,
    listen: (pattern, listener) =>
      bus.listen(pattern, undefined, (message) => {
        // A trigger's message is the host's and carries no labels, so it must not carry what has some.
        if (policing?.isUnlabelled(message) !== false) listener(message);
      }),
    lastDueMs: (agent, name) => records.lastDueMs(agent, name),
  });
}

/** From 0 (inclusive) to 1 (exclusive). */
function chanceOf(random: Random): number {
  return new DataView(random.fill(new Uint8Array(4)).buffer).getUint32(0) / 2 ** 32;
}
