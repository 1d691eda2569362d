import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { Problem, type ProblemCode, problemContentType, problemText } from './problem.ts';
import type { Traffic } from './traffic.ts';

type Kind = readonly [status: number, code: ProblemCode, detail: string];

const kinds: Readonly<Record<string, Kind>> = {
  HPE_HEADER_OVERFLOW: [431, 'header-fields-too-large', 'the head of the request is too large'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'body-too-large', 'the chunk extensions are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'request-timeout', 'the request did not arrive in time'],
};

const malformed: Kind = [400, 'malformed-request', 'this is no HTTP/1.1 request'];

/** Answers what the parser would not take, and closes: what comes next on the connection could mean anything. */
export function answerClientError(traffic: Traffic, error: Error, socket: Duplex): void {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, problemCode, detail] = kinds[code] ?? malformed;
  traffic.malformed.add(status, 0);
  socket.end(closingAnswer(new Problem(status, problemCode, detail)), () => socket.destroy());
}

function closingAnswer(problem: Problem): string {
  const body = problemText(problem, 'none');
  return [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`,
    'connection: close',
    `content-type: ${problemContentType}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'x-request-id: none',
    '',
    body,
  ].join('\r\n');
}
