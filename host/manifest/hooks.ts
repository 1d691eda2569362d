import { isSubject } from '../subject.ts';
import type { Table } from './table.ts';

/** Moments in an agent's life at which it, or the host's own code, may be told. */
export const hookNames = ['start', 'stop', 'error', 'pause', 'resume', 'message'] as const;
export type HookName = (typeof hookNames)[number];

/** Subjects on which an agent's own moments are published, under its own grants. */
export type Hooks = { readonly [name in HookName]?: string };

/** Reads `[hooks]`. @throws HostError `HOST_ERR_CONFIG_INVALID` for what is no subject that it may publish to */
export function hooksOf(manifest: Table, mayPublish: (subject: string) => boolean): Hooks {
  const table = manifest.table('hooks').only(hookNames);
  const hooks: { [name in HookName]?: string } = {};
  for (const name of hookNames) {
    const subject = table.text(name);
    if (subject === undefined) continue;
    if (!isSubject(subject) || isReserved(subject))
      throw table.wrong(name, 'a subject to publish to, such as "alerts.billing"');
    if (!mayPublish(subject))
      throw table.fault(
        name,
        `it may not publish to ${subject}; grant it: [capabilities.bus] publish = ["${subject}"]`,
      );
    hooks[name] = subject;
  }
  return hooks;
}

/** Nobody publishes there but the host, and what is sent to one agent is no event. */
function isReserved(subject: string): boolean {
  return /^(agent|host|trigger|_inbox)(\.|$)/.test(subject);
}
