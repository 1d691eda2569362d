import { plainText } from '../errors.ts';
import { connectionHelp } from './client/connection.ts';
import { deliver, deliveryHelp, deliveryOptions } from './client/delivery.ts';
import type { Command } from './command.ts';
import { oneWord, parseWords } from './words.ts';

const usage = 'host send NAME [--input TEXT|@FILE|-]; see host send --help';

export const command: Command = {
  summary: 'leave an agent a message and do not wait for its answer',
  help: `host send: leaves an agent a message, and does not wait for its answer

Usage: host send NAME [OPTIONS]

  host send billing --input '{"order": 7}' --type application/json

${deliveryHelp("the agent's own, else at-least-once")}
Prints the message's id once the host has it. What could not be delivered is shown by host dead-letters.
${connectionHelp}`,
  endsProcess: true,
  run: async (args) => {
    const { values, positionals } = parseWords('send', args, deliveryOptions);
    const name = oneWord(positionals, usage, 'which agent?', 'a message goes in with --input');
    return deliver(`/v1/agents/${encodeURIComponent(name)}/send`, values, (receivers, hasEnded) => {
      if (receivers === 0) return 'it was there already under this id';
      const shown = plainText(name);
      return hasEnded
        ? `${shown} has ended, and does not get it: see host dead-letters; host agents resume ${shown} begins it anew`
        : `${shown} has it`;
    });
  },
};
