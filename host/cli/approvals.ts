import { systemClock } from '../clock.ts';
import { HostError, plainText } from '../errors.ts';
import type { Approval } from '../host/serving.ts';
import { nearest } from '../nearest.ts';
import { span } from './client/amount.ts';
import { Connection, connectionHelp, connectionOptions } from './client/connection.ts';
import { formatTable } from './client/table.ts';
import { listIn, type Wire } from './client/wire.ts';
import type { Command } from './command.ts';
import { exitCodes } from './exit-code.ts';
import { parseWords, requireWords } from './words.ts';

const options = {
  ...connectionOptions,
  json: { type: 'boolean' },
  reason: { type: 'string' },
} as const;
const usage = 'host approvals [approve ID|deny ID]; see host approvals --help';

export const command: Command = {
  summary: 'show and answer what policies want a person to approve',
  help: `host approvals: what policies want a person to approve

Usage: host approvals [--json]
       host approvals approve ID [--reason TEXT]     say yes; not to what you ask for yourself
       host approvals deny ID [--reason TEXT]        say no

What nobody answers in time is denied, and so is everything that waits when the host ends.

  --reason TEXT           why, for the record
  --json                  each as a line of JSON
${connectionHelp}`,
  endsProcess: true,
  run: async (args) => {
    const { values, positionals } = parseWords('approvals', args, options);
    const [action, id] = positionals;
    requireWords(positionals, 2, usage);
    const connection = Connection.of(values, process.env);
    if (action !== undefined) return answer(connection, action, id, values.reason);
    const approvals = listIn<Wire<Approval>>(await connection.json('GET', '/v1/approvals'), 'approvals');
    process.stdout.write(values.json === true ? jsonLines(approvals) : tableOf(approvals));
    return exitCodes.ok;
  },
};

async function answer(
  connection: Connection,
  action: string,
  id: string | undefined,
  reason: string | undefined,
): Promise<number> {
  if (action !== 'approve' && action !== 'deny')
    throw new HostError(
      'HOST_ERR_CLI_USAGE',
      `what is '${action}' for${nearest(action, ['approve', 'deny']) || '?'} ${usage}`,
    );
  if (id === undefined)
    throw new HostError(
      'HOST_ERR_CLI_USAGE',
      `host approvals ${action} needs the ID of one, as host approvals shows it; see host approvals --help`,
    );
  const query = reason === undefined ? '' : `?reason=${encodeURIComponent(reason)}`;
  await connection.json('POST', `/v1/approvals/${encodeURIComponent(id)}/${action}${query}`);
  process.stderr.write(`host: ${plainText(id)} is ${action === 'approve' ? 'approved' : 'denied'}\n`);
  return exitCodes.ok;
}

function jsonLines(approvals: readonly unknown[]): string {
  return approvals.map((approval) => `${JSON.stringify(approval)}\n`).join('');
}

const columns = [
  { title: 'ID' },
  { title: 'LEFT' },
  { title: 'WHO' },
  { title: 'WANTS' },
  { title: 'WITH' },
  { title: 'POLICIES' },
  { title: 'REASON' },
];

function tableOf(approvals: readonly Wire<Approval>[]): string {
  if (approvals.length === 0) return 'none: nothing waits for an approval\n';
  const nowMs = Number(systemClock.wallNs() / 1_000_000n);
  const rows = approvals.map(({ id, deadlineMs, principal, action, resource, policies, reason }) => [
    id,
    span(Math.max(0, deadlineMs - nowMs)),
    principal,
    action,
    resource,
    policies.join(', '),
    reason,
  ]);
  return `${formatTable(columns, rows).join('\n')}\n`;
}
