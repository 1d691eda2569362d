import { plainText } from '../../errors.ts';
import { chunksOf } from '../client/answer.ts';
import { Connection } from '../client/connection.ts';
import { eventsOf } from '../client/event-stream.ts';
import { streamSilenceMsMax, writeEach } from '../client/stream.ts';
import { parseData } from '../client/wire.ts';
import { exitCodes } from '../exit-code.ts';

export interface TailFlags {
  readonly agent?: readonly string[] | undefined;
  readonly principal?: string | undefined;
  readonly kind?: readonly string[] | undefined;
  readonly json?: boolean | undefined;
  readonly url?: string | undefined;
  readonly 'token-file'?: string | undefined;
}

/** Prints events of a host that serves, as they become durable. */
export async function tail(_words: readonly string[], flags: TailFlags): Promise<number> {
  const answer = await Connection.of(flags, process.env).get({
    method: 'GET',
    path: `/v1/audit/stream?${queryOf(flags)}`,
    headers: { accept: 'text/event-stream' },
    silenceMsMax: streamSilenceMsMax,
  });
  const toText = flags.json === true ? (data: string): string => `${data}\n` : lineOf;
  const lines = async function* (): AsyncGenerator<string> {
    for await (const { data } of eventsOf(chunksOf(answer), 'events')) yield toText(data);
  };
  await writeEach(lines(), Number.POSITIVE_INFINITY);
  return exitCodes.ok;
}

function queryOf({ agent = [], principal, kind = [] }: TailFlags): string {
  const query = new URLSearchParams();
  if (agent.length > 0) query.set('agent', agent.join(','));
  if (kind.length > 0) query.set('kind', kind.join(','));
  if (principal !== undefined) query.set('principal', principal);
  return query.toString();
}

/** As `host audit query` prints it. */
function lineOf(data: string): string {
  const event = parseData<Readonly<Record<string, unknown>>>(data);
  const { sequence, kind, time, agent, principal, ...rest } = event;
  const fields = Object.entries(rest).filter(([name]) => !own.includes(name));
  const words = [
    ...(agent === null ? [] : [String(agent)]),
    ...(principal === null ? [] : [`for ${principal}`]),
    ...fields.map(([name, value]) => `${name}=${typeof value === 'object' ? JSON.stringify(value) : value}`),
  ];
  return `${plainText(`${sequence} ${time} ${kind} ${words.join(' ')}`.trimEnd())}\n`;
}

const own: readonly string[] = ['thread', 'threadSequence', 'monotonicNs'];
