import { Connection, connectionHelp, connectionOptions } from './client/connection.ts';
import { exchange, exchangeHelp, exchangeOptions } from './client/exchange.ts';
import type { Command } from './command.ts';
import { oneWord, parseWords } from './words.ts';

const options = { ...exchangeOptions, ...connectionOptions } as const;
const usage = 'host request SUBJECT [--input TEXT|@FILE|-]; see host request --help';

export const command: Command = {
  summary: 'ask whoever answers a subject, and print the answer',
  help: `host request: asks whoever answers a subject, and prints the first answer

Usage: host request SUBJECT [OPTIONS]

  host request prices.eur --input coffee

${exchangeHelp}${connectionHelp}`,
  endsProcess: true,
  run: async (args) => {
    const { values, positionals } = parseWords('request', args, options);
    const subject = oneWord(positionals, usage, 'which subject?', 'a message goes in with --input');
    const connection = Connection.of(values, process.env);
    return exchange(connection, `/v1/request/${encodeURIComponent(subject)}`, values);
  },
};
