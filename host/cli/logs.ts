import { HostError, plainText } from '../errors.ts';
import { nearest } from '../nearest.ts';
import { type Answer, chunksOf } from './client/answer.ts';
import { Connection, connectionHelp, connectionOptions } from './client/connection.ts';
import { eventsOf, linesOf } from './client/event-stream.ts';
import { streamSilenceMsMax, writeEach } from './client/stream.ts';
import { parseData } from './client/wire.ts';
import type { Command } from './command.ts';
import { exitCodes } from './exit-code.ts';
import { LogLines, type ShownEntry } from './log-line.ts';
import { isTerminal } from './stdio.ts';
import { countOf, parseWords, requireWords } from './words.ts';

const options = {
  ...connectionOptions,
  follow: { type: 'boolean', short: 'f' },
  level: { type: 'string', short: 'l' },
  json: { type: 'boolean' },
  lines: { type: 'string', short: 'n' },
} as const;
const levels: readonly string[] = ['trace', 'debug', 'info', 'warn', 'error'];
const linesMax = 100_000;
const usage = 'host logs [NAME] [-f]; see host logs --help';

export const command: Command = {
  summary: 'show what agents logged, and follow it with -f',
  help: `host logs: shows what agents logged, and what the host logged about them

Usage: host logs [NAME] [OPTIONS]

NAME is an agent, or the beginning of some with a * at the end ('worker-*'). Without it: all of them.

  -f, --follow            go on with what comes; Ctrl-C ends it
  -n, --lines N           the last N lines                                [100]
  -l, --level LEVEL       trace, debug, info, warn or error, and above    [trace]
  --json                  each as a line of JSON
${connectionHelp}`,
  endsProcess: true,
  run: async (args) => {
    const { values, positionals } = parseWords('logs', args, options);
    requireWords(positionals, 1, usage);
    const isFollowing = values.follow === true;
    const answer = await Connection.of(values, process.env).get({
      method: 'GET',
      path: `/v1/logs?${queryOf(values, positionals[0])}`,
      headers: { accept: isFollowing ? 'text/event-stream' : 'application/x-ndjson' },
      ...(isFollowing ? { silenceMsMax: streamSilenceMsMax } : {}),
    });
    const lines = new LogLines(isTerminal(1));
    const toText = (data: string): string =>
      values.json === true ? `${data}\n` : lines.format(parseData<ShownEntry>(data));
    let count = 0;
    const counted = (data: string): string => {
      count += 1;
      return toText(data);
    };
    await writeEach(entriesOf(answer, counted), Number.POSITIVE_INFINITY);
    if (count === 0 && !isFollowing) process.stderr.write(nothingText(positionals[0]));
    return exitCodes.ok;
  },
};

/** An agent that logged nothing, and one that there is not, look the same from here. */
function nothingText(agent: string | undefined): string {
  if (agent === undefined) return 'host: nothing was logged\n';
  return `host: nothing was logged of ${plainText(agent)}; host agents shows whether it is there\n`;
}

function queryOf(
  {
    follow,
    level,
    lines,
  }: { follow?: boolean | undefined; level?: string | undefined; lines?: string | undefined },
  agent: string | undefined,
): string {
  if (level !== undefined && !levels.includes(level))
    throw new HostError(
      'HOST_ERR_CLI_USAGE',
      `--level: no level '${level}'${nearest(level, levels)}; there are ${levels.join(', ')}`,
    );
  const tail = lines === undefined ? 100 : countOf('--lines', lines, linesMax);
  const query = new URLSearchParams({ tail: String(tail) });
  if (agent !== undefined) query.set('agent', agent);
  if (level !== undefined) query.set('level', level);
  if (follow === true) query.set('follow', '1');
  return query.toString();
}

/** The server tells events or lines, as it likes. */
async function* entriesOf(answer: Answer, toText: (data: string) => string): AsyncGenerator<string> {
  const chunks = chunksOf(answer);
  if (!String(answer.headers['content-type']).startsWith('text/event-stream')) {
    for await (const line of linesOf(chunks)) if (line !== '') yield toText(line);
    return;
  }
  for await (const { data } of eventsOf(chunks, 'lines')) yield toText(data);
}
