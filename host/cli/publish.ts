import { HostError } from '../errors.ts';
import { connectionHelp } from './client/connection.ts';
import { deliver, deliveryHelp, deliveryOptions } from './client/delivery.ts';
import type { Command } from './command.ts';
import { oneWord, parseWords } from './words.ts';

const usage = 'host publish SUBJECT [--input TEXT|@FILE|-]; see host publish --help';

export const command: Command = {
  summary: 'give a message to everybody who subscribed to a subject',
  help: `host publish: gives a message to everybody who subscribed to a subject

Usage: host publish SUBJECT [OPTIONS]

  host publish orders.eu.created --input '{"id": 7}' --type application/json

${deliveryHelp('at-most-once')}
Prints the message's id once the host has it, and how many receivers there are on stderr. To one agent: host send.
${connectionHelp}`,
  endsProcess: true,
  run: async (args) => {
    const { values, positionals } = parseWords('publish', args, deliveryOptions);
    const subject = oneWord(positionals, usage, 'which subject?', 'a message goes in with --input');
    requireNoMailbox(subject);
    return deliver(`/v1/publish/${encodeURIComponent(subject)}`, values, receiversText);
  },
};

/** @throws HostError `HOST_ERR_CLI_USAGE` for an agent's own subject */
function requireNoMailbox(subject: string): void {
  const name = /^agent\.(.+)$/.exec(subject)?.[1];
  if (name === undefined) return;
  throw new HostError(
    'HOST_ERR_CLI_USAGE',
    `${subject} is an agent's own mailbox: host invoke ${name} asks it, host send ${name} leaves it a message`,
    { subject },
  );
}

function receiversText(receivers: number): string {
  if (receivers === 0) return 'nobody listens to this subject';
  return receivers === 1 ? '1 receiver' : `${receivers} receivers`;
}
