import { HostError, plainText } from '../../errors.ts';
import { parseData } from './wire.ts';

/** One event of a `text/event-stream`. */
export interface ServerEvent {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: string;
}

/** A message's body may be some MiB, and base64 makes a third more of it. */
const lineCharsMax = 64 * 1024 * 1024;

/** Lines of a stream, without their ends (\n or \r\n). @throws HostError `HOST_ERR_MESSAGE_TOO_LARGE` */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line;
    if (rest.length > lineCharsMax)
      throw new HostError(
        'HOST_ERR_MESSAGE_TOO_LARGE',
        `a line of the answer is longer than ${lineCharsMax} characters`,
      );
  }
  if (rest !== '') yield rest;
}

/**
 * Events until the stream ends; comments, which keep the connection alive, are left out. That some were lost, because
 * we read too slowly, is said on stderr.
 * @throws HostError `HOST_ERR_SERVER_UNREACHABLE` when the server says that it ends it
 */
export async function* eventsOf(
  chunks: AsyncIterable<Uint8Array>,
  what: string,
): AsyncGenerator<ServerEvent> {
  for await (const event of rawEventsOf(chunks)) {
    if (event.event === 'end') throw ended(String(parseData(event.data).reason));
    if (event.event !== 'lost') yield event;
    else
      process.stderr.write(`host: ${plainText(String(parseData(event.data).count))} ${what} were left out\n`);
  }
}

function ended(reason: string): HostError {
  return new HostError('HOST_ERR_SERVER_UNREACHABLE', `the server ended it: ${reason}`);
}

async function* rawEventsOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  let [event, id, data]: [string, string | undefined, string[]] = ['message', undefined, []];
  for await (const line of linesOf(chunks)) {
    if (line === '') {
      if (data.length > 0) yield { event, id, data: data.join('\n') };
      [event, id, data] = ['message', undefined, []];
      continue;
    }
    const [, field = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === 'event') event = value;
    if (field === 'id') id = value;
    if (field === 'data') data.push(value);
  }
}
