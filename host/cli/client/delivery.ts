import { HostError } from '../../errors.ts';
import { exitCodes } from '../exit-code.ts';
import { Connection } from './connection.ts';
import { bodyHelp, bodyOf, headerValue } from './exchange.ts';
import { priorityHeader, priorityHelp } from './priority.ts';
import { tableIn } from './wire.ts';

/** Flags of what hands a message over and does not wait for an answer. */
export const deliveryOptions = {
  input: { type: 'string' },
  type: { type: 'string', short: 't' },
  url: { type: 'string' },
  'token-file': { type: 'string' },
  id: { type: 'string' },
  guarantee: { type: 'string' },
  priority: { type: 'string' },
  json: { type: 'boolean' },
} as const;

const guarantees: readonly string[] = ['at-most-once', 'at-least-once', 'exactly-once'];

/** `guaranteeDefault` is what holds when nothing is said. */
export function deliveryHelp(guaranteeDefault: string): string {
  return `${bodyHelp}  --id ID                 names the message: a second one with the same id is accepted and dropped
  --guarantee WORD        at-most-once, at-least-once or exactly-once     [${guaranteeDefault}]
${priorityHelp}  --json                  the server's answer as it is
`;
}

interface DeliveryFlags {
  readonly input?: string | undefined;
  readonly type?: string | undefined;
  readonly url?: string | undefined;
  readonly 'token-file'?: string | undefined;
  readonly id?: string | undefined;
  readonly guarantee?: string | undefined;
  readonly priority?: string | undefined;
  readonly json?: boolean | undefined;
}

/**
 * Hands a message over, and prints its id.
 * @param said what stderr says of how many got it
 * @returns the exit code: that of something missing where an agent that has ended does not get it
 * @throws HostError as `Connection.get`
 */
export async function deliver(
  path: string,
  flags: DeliveryFlags,
  said: (receivers: number, hasEnded: boolean) => string,
): Promise<number> {
  const query = queryOf(flags.guarantee);
  const { body, headers } = await bodyOf(flags);
  const id: Record<string, string> =
    flags.id === undefined ? {} : { 'x-mote-message-id': headerValue('--id', flags.id) };
  const connection = Connection.of(flags, process.env);
  const answer = tableIn(
    await connection.json('POST', `${path}${query}`, {
      body,
      headers: { ...headers, ...id, ...priorityHeader(flags) },
    }),
  );
  if (flags.json === true) process.stdout.write(`${JSON.stringify(answer)}\n`);
  else {
    process.stdout.write(`${String(answer.id)}\n`);
    process.stderr.write(`host: ${said(Number(answer.receivers), answer.hasEnded === true)}\n`);
  }
  return answer.hasEnded === true ? exitCodes.unavailable : exitCodes.ok;
}

function queryOf(guarantee: string | undefined): string {
  if (guarantee === undefined) return '';
  if (guarantees.includes(guarantee)) return `?guarantee=${guarantee}`;
  throw new HostError(
    'HOST_ERR_CLI_USAGE',
    `--guarantee: '${guarantee}' is none of ${guarantees.join(', ')}`,
  );
}
