import { systemClock } from '../clock.ts';
import { HostError, plainText } from '../errors.ts';
import type { DeadLetter } from '../host/serving.ts';
import { nearest } from '../nearest.ts';
import { span } from './client/amount.ts';
import { Connection, connectionHelp, connectionOptions } from './client/connection.ts';
import { formatTable } from './client/table.ts';
import { listIn, type Wire } from './client/wire.ts';
import type { Command } from './command.ts';
import { exitCodes } from './exit-code.ts';
import { countOf, parseWords, requireWords } from './words.ts';

const options = {
  ...connectionOptions,
  json: { type: 'boolean' },
  lines: { type: 'string', short: 'n' },
} as const;
const usage = 'host dead-letters [retry ID|rm ID]; see host dead-letters --help';
const lettersMax = 10_000;

export const command: Command = {
  summary: 'show, retry or drop messages that could not be delivered',
  help: `host dead-letters: messages that could not be delivered, and why

Usage: host dead-letters [--json] [-n N]
       host dead-letters retry ID      deliver it again
       host dead-letters rm ID         forget it

  -n, --lines N           at most so many         [100]
  --json                  each as a line of JSON, with its body
${connectionHelp}`,
  endsProcess: true,
  run: async (args) => {
    const { values, positionals } = parseWords('dead-letters', args, options);
    const [action, id] = positionals;
    requireWords(positionals, 2, usage);
    const connection = Connection.of(values, process.env);
    if (action !== undefined) return act(connection, action, id);
    const count = values.lines === undefined ? 100 : countOf('--lines', values.lines, lettersMax);
    const answer = await connection.json('GET', `/v1/dead-letters?limit=${count}`);
    const letters = Array.isArray(answer) ? answer : listIn<Wire<DeadLetter>>(answer, 'deadLetters');
    process.stdout.write(values.json === true ? jsonLines(letters) : tableOf(letters));
    return exitCodes.ok;
  },
};

async function act(connection: Connection, action: string, id: string | undefined): Promise<number> {
  if (action !== 'retry' && action !== 'rm')
    throw new HostError(
      'HOST_ERR_CLI_USAGE',
      `what is '${action}' for${nearest(action, ['retry', 'rm']) || '?'} ${usage}`,
    );
  if (id === undefined)
    throw new HostError(
      'HOST_ERR_CLI_USAGE',
      `host dead-letters ${action} needs the ID of one, as host dead-letters shows it; see host dead-letters --help`,
    );
  const path = `/v1/dead-letters/${encodeURIComponent(id)}`;
  await (action === 'retry' ? connection.json('POST', `${path}/retry`) : connection.json('DELETE', path));
  process.stderr.write(
    `host: ${plainText(id)} ${action === 'retry' ? 'is on its way again' : 'is forgotten'}\n`,
  );
  return exitCodes.ok;
}

function jsonLines(letters: readonly unknown[]): string {
  return letters.map((letter) => `${JSON.stringify(letter)}\n`).join('');
}

const columns = [
  { title: 'ID' },
  { title: 'AGE' },
  { title: 'SUBJECT' },
  { title: 'RECEIVER' },
  { title: 'REASON' },
  { title: 'FAILURE' },
];

function tableOf(letters: readonly Wire<DeadLetter>[]): string {
  if (letters.length === 0) return 'none: everything was delivered\n';
  const nowMs = Number(systemClock.wallNs() / 1_000_000n);
  const rows = letters.map(({ message, receiver, reason, failure, atMs }) => [
    message.id,
    span(nowMs - atMs),
    message.subject,
    receiver,
    reason,
    failure === undefined || failure === null ? '' : failureText(failure),
  ]);
  return `${formatTable(columns, rows).join('\n')}\n`;
}

function failureText({ tag, val }: NonNullable<Wire<DeadLetter>['failure']>): string {
  return typeof val === 'string' ? `${tag}: ${val}` : `${val.code}: ${val.message}`;
}
