import { HostError, plainText } from '../../errors.ts';
import { Connection } from '../client/connection.ts';
import { exitCodes } from '../exit-code.ts';

export interface ForgetFlags {
  readonly reason?: string | undefined;
  readonly url?: string | undefined;
  readonly 'token-file'?: string | undefined;
}

/** Makes what the chain of a host that serves says about a person unreadable for ever. */
export async function forget([subject]: readonly string[], flags: ForgetFlags): Promise<number> {
  if (subject === undefined)
    throw new HostError('HOST_ERR_CLI_USAGE', 'who? host audit forget PERSON --reason WHY');
  if (flags.reason === undefined)
    throw new HostError(
      'HOST_ERR_CLI_USAGE',
      `why? host audit forget ${subject} --reason WHY: it goes on the record`,
    );
  const body = Buffer.from(JSON.stringify({ subject, reason: flags.reason }));
  const headers = { 'content-type': 'application/json' };
  await Connection.of(flags, process.env).json('POST', '/v1/audit/forget', { body, headers });
  process.stderr.write(`host: what the chain says about ${plainText(subject)} is unreadable for ever\n`);
  return exitCodes.ok;
}
