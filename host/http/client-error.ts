import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../clock.ts';
import type { HttpLimits } from './http-limits.ts';
import { Problem, type ProblemCode, problemContentType, problemText } from './problem.ts';
import type { Traffic } from './traffic.ts';

type Kind = readonly [status: number, code: ProblemCode, detail: string];

const kinds: Readonly<Record<string, Kind>> = {
  HPE_HEADER_OVERFLOW: [431, 'header-fields-too-large', 'the head of the request is too large'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'body-too-large', 'the chunk extensions are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'request-timeout', 'the request did not arrive in time'],
  HPE_UNEXPECTED_CONTENT_LENGTH: malformed('it has two content-lengths, or one beside transfer-encoding'),
  HPE_INVALID_CONTENT_LENGTH: malformed('content-length is one number, and not beside transfer-encoding'),
  HPE_INVALID_TRANSFER_ENCODING: malformed('transfer-encoding is chunked, and not beside content-length'),
  HPE_INVALID_CHUNK_SIZE: malformed('a chunk does not begin with its size'),
  HPE_INVALID_EOF_STATE: malformed('the connection ended in the middle of it'),
  HPE_INVALID_HEADER_TOKEN: malformed('a header has a character that none may have'),
  HPE_INVALID_VERSION: malformed('its first line does not end in HTTP/1.1 and CR LF'),
  HPE_INVALID_URL: malformed('its path has a character that none may have'),
};

function malformed(why?: string): Kind {
  const what = 'this is no HTTP/1.1 request';
  return [400, 'malformed-request', why === undefined ? what : `${what}: ${why}`];
}

/** Answers what the parser would not take, and closes: what comes next on the connection could mean anything. */
export function answerClientError(traffic: Traffic, error: Error, socket: Duplex): void {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, problemCode, detail] = kinds[code] ?? malformed();
  traffic.malformed.add(status, 0);
  socket.end(closingAnswer(new Problem(status, problemCode, detail)), () => socket.destroy());
}

/** `CONNECT` asks for a way through, which there is none of. */
export function refuseTunnel(traffic: Traffic, socket: Duplex): void {
  traffic.malformed.add(405, 0);
  socket.on('error', () => socket.destroy());
  const detail = 'CONNECT is for proxies, and this is none';
  socket.end(closingAnswer(new Problem(405, 'method-not-allowed', detail)), () => socket.destroy());
}

/** Connections beyond `connectionsMax` that are being told so; those beyond these too are closed without a word. */
export const turnedAwayMax = 256;

/** Refuses a connection beyond `connectionsMax`, and gives its client until the next sweep to read why. */
export function turnAway(
  traffic: Traffic,
  socket: Socket,
  { connectionsMax, sweepMs }: HttpLimits,
  clock: Clock,
): void {
  const detail = `as many connections are open as may be (connectionsMax, ${connectionsMax}); close some, or ask again`;
  traffic.malformed.add(503, 0);
  const gone = new AbortController();
  socket.once('close', () => gone.abort());
  // What it says is read: closed with bytes unread, a socket takes back what was written to it.
  socket.on('error', () => socket.destroy()).resume();
  socket.end(closingAnswer(new Problem(503, 'overloaded', detail), ['retry-after: 1']));
  clock.sleep(sweepMs, gone.signal).then(
    () => socket.destroy(),
    () => undefined,
  );
}

function closingAnswer(problem: Problem, headers: readonly string[] = []): string {
  const body = problemText(problem, 'none');
  return [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`,
    'connection: close',
    ...headers,
    `content-type: ${problemContentType}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'x-request-id: none',
    '',
    body,
  ].join('\r\n');
}
