import { HostError, plainText } from '../errors.ts';
import { verifyMessageFile } from '../identity/message-file.ts';
import { parseKey } from '../identity/public-key.ts';
import { readRegularFile } from '../regular-file.ts';
import { Connection, connectionHelp, connectionOptions } from './client/connection.ts';
import type { Command } from './command.ts';
import { exitCodes } from './exit-code.ts';
import { parseWords, requireWords } from './words.ts';

const options = {
  ...connectionOptions,
  key: { type: 'string', short: 'k' },
  body: { type: 'boolean' },
} as const;
const usage = 'see host message --help';

export const command: Command = {
  summary: 'get the proof of one message, and verify one alone and offline',
  help: `host message: who sent one message, provable to anybody who has the host's public key

Usage: host message proof ID > FILE                   what proves a message of an agent that signs ([messages] sign)
       host message verify FILE --key host.pub        needs no host and no network

  -k, --key FILE          the public key of the host, got by another way than FILE
  --body                  verify prints the message's body, if it is good
A host keeps the latest proofs, 10,000 messages and 16 MiB a thread. Exit codes: 0 good, 77 not.
${connectionHelp}`,
  endsProcess: true,
  run: async (args) => {
    const { values, positionals } = parseWords('message', args, options);
    requireWords(positionals, 2, usage);
    const [action, what] = positionals;
    if (what === undefined || (action !== 'proof' && action !== 'verify'))
      throw new HostError('HOST_ERR_CLI_USAGE', `host message proof ID, or verify FILE? ${usage}`);
    if (action === 'verify') return verify(what, values.key, values.body === true);
    const connection = Connection.of(values, process.env);
    const proof = await connection.json('GET', `/v1/messages/${encodeURIComponent(what)}/proof`);
    process.stdout.write(`${JSON.stringify(proof, undefined, 2)}\n`);
    return exitCodes.ok;
  },
};

function verify(file: string, keyFile: string | undefined, withBody: boolean): number {
  if (keyFile === undefined)
    throw new HostError('HOST_ERR_CLI_USAGE', 'verify needs --key host.pub, the public key of the host');
  const key = parseKey(readRegularFile(keyFile).toString().trim());
  if (key === undefined) throw new HostError('HOST_ERR_CLI_USAGE', `${keyFile} is no public key`);
  const verdict = verifyMessageFile(readRegularFile(file).toString(), key);
  if (verdict.kind === 'refused') {
    process.stderr.write(`host: ${file} proves nothing: ${plainText(verdict.detail)} (${verdict.why})\n`);
    return exitCodes.denied;
  }
  const { id, sender, recipient, subject, sentAtMs } = verdict.header;
  const sentAt = new Date(sentAtMs).toISOString();
  process.stderr.write(
    `host: good: ${plainText(sender)} sent ${plainText(id)} to ${plainText(recipient)}, ${plainText(subject)}, ${sentAt}; key ${verdict.key}\n`,
  );
  if (withBody) process.stdout.write(verdict.payload);
  return exitCodes.ok;
}
