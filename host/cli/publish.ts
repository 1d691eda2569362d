import { HostError } from '../errors.ts';
import { Connection, connectionHelp, connectionOptions } from './client/connection.ts';
import { bodyHelp, bodyOf, bodyOptions, headerValue } from './client/exchange.ts';
import { tableIn } from './client/wire.ts';
import type { Command } from './command.ts';
import { exitCodes } from './exit-code.ts';
import { parseWords, requireWords } from './words.ts';

const options = {
  ...bodyOptions,
  ...connectionOptions,
  id: { type: 'string' },
  guarantee: { type: 'string' },
  json: { type: 'boolean' },
} as const;
const usage = 'host publish SUBJECT [--input TEXT|@FILE|-]; see host publish --help';
const guarantees: readonly string[] = ['at-most-once', 'at-least-once', 'exactly-once'];

export const command: Command = {
  summary: 'give a message to everybody who subscribed to a subject',
  help: `host publish: gives a message to everybody who subscribed to a subject

Usage: host publish SUBJECT [OPTIONS]

  host publish orders.eu.created --input '{"id": 7}' --type application/json

${bodyHelp}  --id ID                 names the message: a second one with the same id is accepted and dropped
  --guarantee WORD        at-most-once, at-least-once or exactly-once     [the host's default]
  --json                  the server's answer as it is

Prints the message's id once the host has it, and how many receivers there are on stderr.
${connectionHelp}`,
  endsProcess: true,
  run: async (args) => {
    const { values, positionals } = parseWords('publish', args, options);
    const [subject] = positionals;
    if (subject === undefined) throw new HostError('HOST_ERR_CLI_USAGE', `which subject? ${usage}`);
    requireWords(positionals, 1, `a message goes in with --input: ${usage}`);
    const query = queryOf(values.guarantee);
    const { body, headers } = await bodyOf(values);
    const id: Record<string, string> =
      values.id === undefined ? {} : { 'x-mote-message-id': headerValue('--id', values.id) };
    const path = `/v1/publish/${encodeURIComponent(subject)}${query}`;
    const connection = Connection.of(values, process.env);
    const answer = tableIn(await connection.json('POST', path, { body, headers: { ...headers, ...id } }));
    if (values.json === true) process.stdout.write(`${JSON.stringify(answer)}\n`);
    else show(String(answer.id), Number(answer.receivers));
    return exitCodes.ok;
  },
};

function queryOf(guarantee: string | undefined): string {
  if (guarantee === undefined) return '';
  if (guarantees.includes(guarantee)) return `?guarantee=${guarantee}`;
  throw new HostError(
    'HOST_ERR_CLI_USAGE',
    `--guarantee: '${guarantee}' is none of ${guarantees.join(', ')}`,
  );
}

function show(id: string, receivers: number): void {
  process.stdout.write(`${id}\n`);
  const who = receivers === 1 ? '1 receiver' : `${receivers} receivers`;
  process.stderr.write(`host: ${receivers === 0 ? 'nobody listens to this subject' : who}\n`);
}
