import type { Bus } from '../../bus/bus.ts';
import type { LogEntry } from '../../telemetry/log-entry.ts';
import type { Pressed, PressureChange } from './pressure.ts';

const cures: Readonly<Record<Pressed, string>> = {
  memory: 'idle agents leave memory, and new instances wait; --memory-total gives more',
  cpu: 'agents wait for their turns; a machine with more cores, or cpu-quota in [resources], helps',
  mailbox: 'an agent does not keep up, and who sends to it waits; host top says which',
};

/** A change of pressure, for the operator and for whoever listens to `host.pressure.>`. */
export function tellPressure(
  { resource, level, before, share }: PressureChange,
  bus: Bus,
  atMs: number,
  say: (level: LogEntry['level'], text: string) => void,
): void {
  const percent = `${Math.round(share * 100)} %`;
  if (level === 'normal') say('info', `${resource}: ${percent} is used, which is enough to spare again`);
  else say('warn', `${resource}: ${percent} is used (${level}): ${cures[resource]}`);
  if (!bus.hasEventListeners) return;
  const body = { resource, level, before, value: share, max: 1, atMs };
  bus.publishEvent(`host.pressure.${resource}`, {
    contentType: 'application/json',
    headers: [],
    body: new TextEncoder().encode(JSON.stringify(body)),
  });
}
