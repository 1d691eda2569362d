import { plainText } from '../errors.ts';
import { type Answer, chunksOf } from './client/answer.ts';
import { Connection, connectionHelp, connectionOptions } from './client/connection.ts';
import { eventsOf } from './client/event-stream.ts';
import { streamSilenceMsMax, writeEach } from './client/stream.ts';
import { bodyOf, parseData, type WireMessage } from './client/wire.ts';
import type { Command } from './command.ts';
import { exitCodes } from './exit-code.ts';
import { textOrBase64 } from './report.ts';
import { countOf, oneWord, parseWords } from './words.ts';

const options = {
  ...connectionOptions,
  group: { type: 'string', short: 'g' },
  json: { type: 'boolean' },
  count: { type: 'string', short: 'n' },
} as const;
const usage = "host subscribe PATTERN, for example 'orders.>'; see host subscribe --help";
const countMax = 999_999_999;

export const command: Command = {
  summary: 'print the messages of some subjects as they come',
  help: `host subscribe: prints the messages of some subjects as they come

Usage: host subscribe PATTERN [OPTIONS]

PATTERN is a subject in which * stands for one word and a > at the end for one or more. Put it in quotes: shells
read * and > themselves.

  host subscribe 'orders.*.created'
  host subscribe 'chat.>' -n 10 --json

  -g, --group NAME        share the messages with other subscribers of this group: each goes to one of you
  -n, --count N           end after N messages; else Ctrl-C ends it
  --json                  each message as a line of JSON

A line is SUBJECT  SENDER  BODY. When you read slower than messages come, some are left out, and stderr says how many.
${connectionHelp}`,
  endsProcess: true,
  run: async (args) => {
    const { values, positionals } = parseWords('subscribe', args, options);
    const pattern = oneWord(positionals, usage, 'which subjects?', 'put the pattern in quotes');
    const count = values.count === undefined ? countMax : countOf('--count', values.count, countMax);
    const group = values.group === undefined ? '' : `?group=${encodeURIComponent(values.group)}`;
    const answer = await Connection.of(values, process.env).get({
      method: 'GET',
      path: `/v1/subscribe/${encodeURIComponent(pattern)}${group}`,
      headers: { accept: 'text/event-stream' },
      silenceMsMax: streamSilenceMsMax,
    });
    process.stderr.write(`host: listening to ${plainText(pattern)}; Ctrl-C ends it\n`);
    await writeEach(linesOf(answer, values.json === true), count);
    return exitCodes.ok;
  },
};

async function* linesOf(answer: Answer, isJson: boolean): AsyncGenerator<string> {
  for await (const { event, data } of eventsOf(chunksOf(answer), 'messages'))
    if (event === 'message') yield isJson ? `${data}\n` : lineOf(parseData<WireMessage>(data));
}

function lineOf(message: WireMessage): string {
  const body = textOrBase64(bodyOf(message));
  const shown = typeof body === 'string' ? plainText(body) : `base64:${body.base64}`;
  return `${plainText(String(message.subject))}  ${plainText(message.sender ?? '-')}  ${shown}\n`;
}
