import { errorCodes, HostError, type HostErrorCode } from '../../errors.ts';
import { type Answer, bytesOf, headerOf } from './answer.ts';

/** What a server says is wrong (`application/problem+json`), with what else it put there. */
export interface Problem {
  readonly status: number;
  readonly detail: string;
  readonly code: string | undefined;
  readonly requestId: string | undefined;
  readonly data: Readonly<Record<string, unknown>>;
}

const problemBytesMax = 1024 * 1024;

export function isProblem(answer: Answer): boolean {
  return (answer.statusCode ?? 0) >= 300;
}

/** Reads a problem, or makes one of what a server that knows none answered. */
export async function problemOf(answer: Answer, url: URL): Promise<Problem> {
  const status = answer.statusCode ?? 0;
  const data = tableOf((await bytesOf(answer, problemBytesMax)).toString('utf8'));
  const text = (key: string): string | undefined => (typeof data[key] === 'string' ? data[key] : undefined);
  const foreign = `${url.origin} answered ${status} and not as host serve does; say where a host serves with --url`;
  return {
    status,
    detail: text('detail') ?? text('title') ?? foreign,
    code: text('code'),
    requestId: text('requestId') ?? headerOf(answer, 'x-request-id'),
    data,
  };
}

/** The one line a person is told, under the class of error that decides the exit code. */
export function problemError(problem: Problem, url: URL): HostError {
  const { status, code, detail, requestId } = problem;
  const known = errorCodes.find((each) => each === code) ?? codeOfStatus(status);
  const shown = status >= 500 && requestId !== undefined ? ` (request ${requestId})` : '';
  return new HostError(known, `${status === 401 ? tokenText(detail) : detail}${shown}`, {
    url: url.origin,
    status,
    requestId,
  });
}

function tableOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function codeOfStatus(status: number): HostErrorCode {
  if (status === 401 || status === 403) return 'HOST_ERR_TOKEN_INVALID';
  if (status === 404) return 'HOST_ERR_AGENT_UNKNOWN';
  if (status === 429) return 'HOST_ERR_RATE_LIMITED';
  return status >= 500 || status < 400 ? 'HOST_ERR_SERVER_UNREACHABLE' : 'HOST_ERR_CLI_USAGE';
}

/** What is wrong with the token, and a person's cure instead of the one for programs that follows a colon. */
function tokenText(detail: string): string {
  const [wrong = detail] = detail.split(': ', 1);
  return `${wrong}; set HOST_TOKEN or --token-file to one, which host token create makes`;
}
