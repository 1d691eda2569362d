import type { Reply } from '../host/serving.ts';
import type { Outcome, Usage } from '../outcome.ts';
import type { Answers } from './answer.ts';
import type { Asked } from './exchange.ts';
import { Problem, type ProblemCode, type ProblemOptions } from './problem.ts';

type Answered = Extract<Reply, { kind: 'answered' }>;
type Refused = Extract<Reply, { kind: 'refused' }>;
type Failed<T> = Exclude<Outcome<T>, { kind: 'ok' }>;

const octets = 'application/octet-stream';

/** Turns what became of a message into an HTTP answer. */
export function answerReply(answers: Answers, exchange: Asked, reply: Reply): void {
  if (reply.kind === 'refused') {
    answers.problem(exchange, refusal(reply));
    return;
  }
  const { outcome } = reply;
  const headers = outcomeHeaders(reply.id, outcome.kind, outcome.usage);
  if (outcome.kind !== 'ok') {
    answers.problem(exchange, failureProblem(outcome, headers));
    return;
  }
  if (outcome.value === undefined) {
    answers.bytes(exchange, 204, undefined, undefined, headers);
    return;
  }
  answers.bytes(exchange, 200, contentTypeOf(reply, exchange), outcome.value, headers);
}

function contentTypeOf(reply: Answered, exchange: Asked): string {
  const own = reply.contentType;
  // The agent's word ends up in a header: what is no media type there stays out.
  if (own !== undefined && /^[\x20-\x7e]{1,255}$/.test(own)) return own;
  return exchange.request.headers['content-type'] ?? octets;
}

function outcomeHeaders(id: string, kind: Outcome['kind'], usage: Usage): string[] {
  return [
    'x-mote-message-id',
    id,
    'x-mote-outcome',
    kind,
    'x-mote-fuel',
    usage.fuel.toString(),
    'x-mote-wall-ms',
    usage.wallMs.toFixed(3),
  ];
}

const refusals: { readonly [reason in Refused['reason']]: readonly [number, ProblemCode, string] } = {
  full: [503, 'HOST_ERR_MAILBOX_FULL', "the agent's mailbox is full; ask again"],
  'no-responders': [503, 'HOST_ERR_NO_RESPONDERS', 'nobody answers this subject'],
  'too-large': [
    413,
    'HOST_ERR_MESSAGE_TOO_LARGE',
    'the message is larger than the agent takes ([limits] message-bytes)',
  ],
  'timed-out': [504, 'agent-limit', deadlineText(undefined)],
  cancelled: [499, 'agent-cancelled', 'the asker went away'],
  'too-late': [
    503,
    'HOST_ERR_DEADLINE_TOO_SOON',
    'it would not end before its deadline; ask with more time, or again',
  ],
  unavailable: [503, 'HOST_ERR_AGENT_STOPPED', 'the agent is not available now; ask again'],
  'rate-limited': [429, 'HOST_ERR_RATE_LIMITED', 'too many messages; ask again'],
  'circuit-open': [503, 'HOST_ERR_CIRCUIT_OPEN', 'the agent keeps failing, and is given time'],
};

function deadlineText(deadlineMs: number | undefined): string {
  const which = deadlineMs === undefined ? 'the deadline' : `the deadline of ${Math.round(deadlineMs)} ms`;
  return `${which} passed before there was an answer`;
}

function deadlineProblem(
  max: number | undefined,
  used: number | undefined,
  headers: readonly string[],
  why?: string,
): Problem {
  const whole = (ms: number | undefined): number | undefined => (ms === undefined ? ms : Math.round(ms));
  const data = { limit: 'deadlineMs', max: whole(max), used: whole(used) };
  const text = deadlineText(max);
  return new Problem(504, 'agent-limit', why === undefined ? text : `${text}: ${why}`, { headers, data });
}

function refusal({ reason, retryAfterMs, deadlineMs, forecastMs, why, circuit }: Refused): Problem {
  if (reason === 'timed-out')
    return deadlineProblem(deadlineMs, deadlineMs, ['x-mote-outcome', 'limit'], why);
  const [status, code, detail] = refusals[reason];
  if (reason === 'too-late') {
    const data = { forecastMs: Math.ceil(forecastMs ?? 0), deadlineMs: Math.floor(deadlineMs ?? 0) };
    const text = `it would take ${data.forecastMs} ms and has ${data.deadlineMs} ms; ask with more time, or again`;
    return new Problem(status, code, text, { retryAfterMs: 1000, data });
  }
  const waits = status === 503 || status === 429;
  const wait = { retryAfterMs: retryAfterMs ?? (waits ? 1000 : undefined) };
  if (circuit === undefined) return new Problem(status, code, detail, wait);
  const openedAt = new Date(circuit.openedAtMs).toISOString();
  return new Problem(status, code, why ?? detail, { ...wait, data: { circuit: { ...circuit, openedAt } } });
}

function failureProblem(outcome: Failed<unknown>, headers: readonly string[]): Problem {
  switch (outcome.kind) {
    case 'error':
      return errorProblem(outcome.failure, outcome.exitCode, headers);
    case 'trap':
      return new Problem(502, 'agent-trap', `the agent trapped: ${outcome.message}`, {
        headers,
        data: { trap: outcome.trap },
      });
    case 'limit':
      return limitProblem(outcome, headers);
    case 'cancelled':
      return new Problem(499, 'agent-cancelled', outcome.reason, { headers });
    case 'denied':
      return new Problem(403, 'agent-denied', outcome.reason, { headers });
  }
}

function limitProblem(outcome: Extract<Outcome, { kind: 'limit' }>, headers: readonly string[]): Problem {
  const { limit, max, used } = outcome;
  if (limit === 'deadlineMs') return deadlineProblem(Number(max), Number(used), headers);
  return new Problem(429, 'agent-limit', `the agent reached ${limit}, ${max}`, {
    headers,
    data: { limit, max, used },
  });
}

const failureStatuses: Readonly<Record<string, number>> = {
  invalid: 422,
  denied: 403,
  unsupported: 501,
  unavailable: 503,
  'timed-out': 504,
};

/** `failure` is the WIT variant as lifted, where the world has one. */
function errorProblem(failure: unknown, exitCode: number, headers: readonly string[]): Problem {
  const { tag, val } = (typeof failure === 'object' && failure !== null ? failure : {}) as {
    readonly tag?: unknown;
    readonly val?: unknown;
  };
  const options: ProblemOptions = { headers, data: { failure: shown(tag, val), exitCode } };
  const status = (typeof tag === 'string' ? failureStatuses[tag] : undefined) ?? 422;
  return new Problem(status, 'agent-error', detailOf(val) ?? 'the agent answered with an error', {
    ...options,
    retryAfterMs: status === 503 ? 1000 : undefined,
  });
}

function detailOf(val: unknown): string | undefined {
  if (typeof val === 'string') return val;
  if (typeof val !== 'object' || val === null || !('message' in val)) return undefined;
  return typeof val.message === 'string' ? val.message : undefined;
}

/** The failure with its bytes as Base64. */
function shown(tag: unknown, val: unknown): unknown {
  if (tag === undefined) return undefined;
  if (typeof val !== 'object' || val === null || !('detail' in val)) return { tag, val };
  const { detail, ...rest } = val;
  const bytes = detail instanceof Uint8Array ? Buffer.from(detail).toString('base64') : undefined;
  return { tag, val: { ...rest, detailBase64: bytes } };
}
