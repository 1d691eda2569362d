import { HostError } from '../../errors.ts';
import { levelNamed, levels } from '../../manifest/scheduling.ts';
import { nearest } from '../../nearest.ts';

export const priorityHelp = `  --priority LEVEL        handled as realtime, critical, high, normal, low or batch [the agent's own]
`;

/** What `--priority` says. @throws HostError `HOST_ERR_CLI_USAGE` */
export function priorityHeader({
  priority,
}: {
  readonly priority?: string | undefined;
}): Record<string, string> {
  if (priority === undefined) return {};
  if (levelNamed(priority) !== undefined) return { 'x-mote-priority': priority };
  throw new HostError(
    'HOST_ERR_CLI_USAGE',
    `--priority: '${priority}' is none of ${levels.join(', ')}${nearest(priority, levels)}`,
  );
}
