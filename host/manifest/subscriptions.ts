import { groupFault, patternFault, reservedToken } from '../subject.ts';
import type { Table } from './table.ts';

/** A pattern the host subscribes an agent to when it is installed. */
export interface Subscription {
  readonly pattern: string;
  /** Members of one group share the messages. */
  readonly group: string | undefined;
}

/** Why nobody can subscribe to a text; undefined for a pattern one can. Mailboxes and replies are for their owners. */
export function subscribableFault(pattern: string): string | undefined {
  const fault = patternFault(pattern);
  if (fault !== undefined) return fault;
  const reserved = reservedToken(pattern);
  if (reserved === 'agent' || reserved === '_inbox')
    return `what begins with '${reserved}' is for its owner alone`;
  return undefined;
}

/** Reads `[subscriptions]`. @throws HostError `HOST_ERR_CONFIG_INVALID` */
export function subscriptionsOf(manifest: Table): readonly Subscription[] {
  const table = manifest.table('subscriptions');
  return Array.from(table.entries(), ([pattern]) => {
    const fault = subscribableFault(pattern);
    if (fault !== undefined)
      throw table.fault(pattern, `subscriptions: '${pattern}' is no pattern of subjects: ${fault}`);
    const options = table.table(pattern).only(['group']);
    const group = options.text('group');
    const wrong = group === undefined ? undefined : groupFault(group);
    if (wrong !== undefined) throw options.wrong('group', `a name: ${wrong}`);
    return { pattern, group };
  });
}
