import { Connection, connectionHelp, connectionOptions } from './client/connection.ts';
import { exchange, exchangeHelp, exchangeOptions, headerValue } from './client/exchange.ts';
import type { Command } from './command.ts';
import { oneWord, parseWords } from './words.ts';

const options = { ...exchangeOptions, ...connectionOptions, subject: { type: 'string' } } as const;
const usage = 'host invoke NAME [--input TEXT|@FILE|-]; see host invoke --help';

export const command: Command = {
  summary: 'hand one message to an agent and print its answer',
  help: `host invoke: hands one message to an agent of a host that serves, and prints its answer

Usage: host invoke NAME [OPTIONS]

  host invoke greeter --input Ada
  echo '{"n": 3}' | host invoke adder --input - --type application/json

  --subject NAME          the message's subject, as the agent sees it     [agent.NAME]
${exchangeHelp}${connectionHelp}`,
  endsProcess: true,
  run: async (args) => {
    const { values, positionals } = parseWords('invoke', args, options);
    const name = oneWord(positionals, usage, 'which agent?', 'a message goes in with --input');
    const subject: Record<string, string> =
      values.subject === undefined ? {} : { 'x-mote-subject': headerValue('--subject', values.subject) };
    const connection = Connection.of(values, process.env);
    return exchange(connection, `/v1/agents/${encodeURIComponent(name)}/invoke`, values, subject);
  },
};
