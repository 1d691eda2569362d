import { HostError, plainText } from '../../errors.ts';
import { describeFailure } from '../../outcome.ts';
import { exitCodes } from '../exit-code.ts';
import { formatMs, textOrBase64 } from '../report.ts';
import { inputBytes, withNewline } from '../run.ts';
import { descriptorSink, isReaderGone } from '../stdio.ts';
import { timeMsOf } from '../words.ts';
import { grouped } from './amount.ts';
import { type Answer, chunksOf, headerOf } from './answer.ts';
import type { Connection } from './connection.ts';
import { priorityHeader, priorityHelp } from './priority.ts';
import { isProblem, problemError, problemOf } from './problem.ts';

/** Flags of what asks and waits for an answer. */
export const exchangeOptions = {
  input: { type: 'string' },
  type: { type: 'string', short: 't' },
  deadline: { type: 'string' },
  id: { type: 'string' },
  priority: { type: 'string' },
  json: { type: 'boolean' },
  quiet: { type: 'boolean', short: 'q' },
  verbose: { type: 'boolean', short: 'v' },
} as const;

export const bodyHelp = `  --input TEXT|@FILE|-    the body (- reads stdin)
  -t, --type TYPE         its media type, such as application/json
`;

export const exchangeHelp: string = `${bodyHelp}  --deadline TIME         give up after this long (500ms, 5s), and let the agent know
  --id ID                 names the message, in logs and for the agent; asked again, it is dealt with again
${priorityHelp}  --json                  one JSON document with outcome, answer and usage
  -q, --quiet             no last line on stderr
  -v, --verbose           message, request and what took how long, too

The answer goes to stdout as it is; the last line on stderr tells how it ended and what it used.
Exit codes: 0 ok; 1 the agent returned a failure; 64 bad flags; 66 no such agent; 69 not reachable, busy or full;
77 not allowed; 124 a limit or the deadline was reached; 130 cancelled; 134 trap. (docs/exit-codes.md)
`;

export interface BodyFlags {
  readonly input?: string | undefined;
  readonly type?: string | undefined;
}

export interface ExchangeFlags extends BodyFlags {
  readonly deadline?: string | undefined;
  readonly id?: string | undefined;
  readonly priority?: string | undefined;
  readonly json?: boolean | undefined;
  readonly quiet?: boolean | undefined;
  readonly verbose?: boolean | undefined;
}

/** How long beyond its deadline an answer may take to be told, and how long without one. */
const answerSlackMs = 10_000;
const answerMsMax = 3_600_000;
const typeDefault = 'application/octet-stream';

/** What `--input` and `--type` say. @throws HostError `HOST_ERR_FILE_NOT_FOUND` */
export async function bodyOf(
  flags: BodyFlags,
): Promise<{ body: Uint8Array; headers: Readonly<Record<string, string>> }> {
  const body = flags.input === undefined ? new Uint8Array(0) : await inputBytes(flags.input);
  return { body, headers: { 'content-type': headerValue('--type', flags.type ?? typeDefault) } };
}

/** Text for a header: what a header cannot hold is a mistake in a flag. @throws HostError `HOST_ERR_CLI_USAGE` */
export function headerValue(flag: string, text: string): string {
  if (/^[\x20-\x7e]+$/.test(text)) return text;
  throw new HostError('HOST_ERR_CLI_USAGE', `${flag}: '${text}' has characters that a header cannot hold`, {
    flag,
  });
}

/** Asks with a body, prints the answer and how it ended. @returns the exit code. @throws HostError as `Connection.ask` */
export async function exchange(
  connection: Connection,
  path: string,
  flags: ExchangeFlags,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  const startedMs = performance.now();
  const deadlineMs = flags.deadline === undefined ? undefined : deadlineMsOf(flags.deadline);
  const sent = await bodyOf(flags);
  const own: Record<string, string> = {
    ...sent.headers,
    accept: '*/*',
    ...priorityHeader(flags),
    ...headers,
  };
  if (deadlineMs !== undefined) own['x-mote-deadline-ms'] = String(deadlineMs);
  if (flags.id !== undefined) own['x-mote-message-id'] = headerValue('--id', flags.id);
  const cancelled = cancellation();
  try {
    const answer = await connection.ask({
      method: 'POST',
      path,
      headers: own,
      body: sent.body,
      silenceMsMax: deadlineMs === undefined ? answerMsMax : deadlineMs + answerSlackMs,
      signal: cancelled.signal,
    });
    const code = await show(answer, connection, flags);
    if (flags.verbose === true) process.stderr.write(detailsOf(answer, performance.now() - startedMs));
    return code;
  } catch (thrown) {
    if (!cancelled.signal.aborted) throw thrown;
    process.stderr.write(`host: cancelled: ${cancelled.signal.reason}\n`);
    return exitCodes.cancelled;
  } finally {
    cancelled.end();
  }
}

const deadlineMsMax = 86_400_000;

/** @throws HostError `HOST_ERR_CLI_USAGE` */
function deadlineMsOf(text: string): number {
  const ms = timeMsOf('--deadline', text);
  if (ms >= 1 && ms <= deadlineMsMax) return ms;
  throw new HostError('HOST_ERR_CLI_USAGE', `--deadline: '${text}' is not from 1ms to 24h`, { text });
}

/** Ctrl-C and termination take the request back, which cancels the agent's call; a second one ends the process. */
function cancellation(): { readonly signal: AbortSignal; readonly end: () => void } {
  const controller = new AbortController();
  const onSignal = (name: NodeJS.Signals): void => controller.abort(name);
  const names = ['SIGINT', 'SIGTERM'] as const;
  for (const name of names) process.once(name, onSignal);
  const end = (): void => names.forEach((name) => void process.off(name, onSignal));
  return { signal: controller.signal, end };
}

const outcomes = {
  ok: { title: 'ok', code: exitCodes.ok },
  error: { title: 'failed', code: exitCodes.failure },
  trap: { title: 'trap', code: exitCodes.trap },
  limit: { title: 'limit', code: exitCodes.limit },
  cancelled: { title: 'cancelled', code: exitCodes.cancelled },
  denied: { title: 'denied', code: exitCodes.denied },
} as const;

type OutcomeKind = keyof typeof outcomes;

async function show(answer: Answer, connection: Connection, flags: ExchangeFlags): Promise<number> {
  const kind = kindOf(answer);
  if (!isProblem(answer)) {
    const value = flags.json === true ? await collect(answer) : await pass(answer);
    return conclude(answer, kind ?? 'ok', flags, value);
  }
  const problem = await problemOf(answer, connection.url);
  // Nobody took the message: that is no outcome.
  if (kind === undefined || kind === 'ok') throw problemError(problem, connection.url);
  const { failure } = problem.data;
  const detail = failure === undefined || failure === null ? problem.detail : describeFailure(failure);
  return conclude(answer, kind, flags, undefined, detail, problem.data);
}

function kindOf(answer: Answer): OutcomeKind | undefined {
  const word = headerOf(answer, 'x-mote-outcome') ?? '';
  return Object.hasOwn(outcomes, word) ? (word as OutcomeKind) : undefined;
}

function conclude(
  answer: Answer,
  kind: OutcomeKind,
  flags: ExchangeFlags,
  value: Uint8Array | undefined,
  detail?: string,
  data: Readonly<Record<string, unknown>> = {},
): number {
  const { title, code } = outcomes[kind];
  if (flags.json === true) {
    const shown = {
      kind,
      ...jsonOf(answer, value),
      ...(detail === undefined ? {} : { detail, problem: data }),
    };
    process.stdout.write(`${JSON.stringify(shown)}\n`);
  } else if (flags.quiet !== true) {
    const head = detail === undefined ? title : `${title}: ${detail.slice(0, detailCharsMax)}`;
    process.stderr.write(`host: ${[plainText(head), ...usageOf(answer)].join(' · ')}\n`);
  }
  return code;
}

const detailCharsMax = 4096;

function usageOf(answer: Answer): string[] {
  const [fuel, wallMs] = [headerOf(answer, 'x-mote-fuel'), headerOf(answer, 'x-mote-wall-ms')];
  return [
    ...(fuel !== undefined && /^\d+$/.test(fuel) ? [`fuel ${grouped(fuel)}`] : []),
    ...(wallMs !== undefined && Number.isFinite(Number(wallMs)) ? [formatMs(Number(wallMs))] : []),
  ];
}

function jsonOf(answer: Answer, value: Uint8Array | undefined): Record<string, unknown> {
  const wallMs = headerOf(answer, 'x-mote-wall-ms');
  return {
    id: headerOf(answer, 'x-mote-message-id'),
    contentType: headerOf(answer, 'content-type'),
    value: value === undefined ? undefined : textOrBase64(value),
    usage: {
      fuel: headerOf(answer, 'x-mote-fuel'),
      wallMs: wallMs === undefined ? undefined : Number(wallMs),
    },
  };
}

function detailsOf(answer: Answer, tookMs: number): string {
  const names = ['x-mote-message-id', 'x-request-id', 'content-type'];
  const lines = names.flatMap((name) => {
    const value = headerOf(answer, name);
    return value === undefined || value === '' ? [] : [`host: ${name} ${plainText(value)}\n`];
  });
  return `${lines.join('')}host: status ${answer.statusCode}, ${formatMs(tookMs)} with the way there and back\n`;
}

async function collect(answer: Answer): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of chunksOf(answer)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** To stdout as it comes: an answer may be larger than memory. A reader that wants no more of it may go. */
async function pass(answer: Answer): Promise<undefined> {
  const stdout = descriptorSink(1);
  let last: Uint8Array = new Uint8Array(0);
  try {
    for await (const chunk of chunksOf(answer)) {
      await stdout.write(chunk);
      last = chunk;
    }
  } catch (error) {
    if (isReaderGone(error)) return;
    throw error;
  }
  if (stdout.isTerminal && last.length > 0)
    await stdout.write(withNewline(last.subarray(-1), true).subarray(1));
}
