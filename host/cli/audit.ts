import { HostError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import { connectionHelp, connectionOptions } from './client/connection.ts';
import type { Command } from './command.ts';
import { parseWords, requireWords } from './words.ts';

const options = {
  ...connectionOptions,
  state: { type: 'string' },
  key: { type: 'string', short: 'k', multiple: true },
  anchor: { type: 'string' },
  ca: { type: 'string', multiple: true },
  agent: { type: 'string', short: 'a', multiple: true },
  principal: { type: 'string', short: 'p' },
  kind: { type: 'string', multiple: true },
  from: { type: 'string' },
  to: { type: 'string' },
  lines: { type: 'string', short: 'n' },
  format: { type: 'string' },
  'host-name': { type: 'string' },
  out: { type: 'string', short: 'o' },
  reason: { type: 'string' },
  json: { type: 'boolean' },
  people: { type: 'boolean' },
} as const;
const usage = 'see host audit --help';

export const command: Command = {
  summary: 'verify, read, export and prove what is on a host’s audit chain',
  help: `host audit: verifies, reads, exports and proves what is on a host's audit chain

Usage: host audit ACTION …

On a folder, without a host, a secret or a network
  host audit verify      [FOLDER] --key host.pub [--anchor FILE] [--ca FILE]   is everything there, and unchanged?
  host audit query       [FOLDER] [EVENTS] [-n N]                  prints events, the oldest first
  host audit export      [FOLDER] [EVENTS] --format jsonl|ocsf|cef as other programs read them
  host audit report      hipaa|gdpr|sox|FILE [FOLDER] --key host.pub [--from TIME] [--to TIME]
  host audit prove       EVENT [FOLDER] > event.proof              what shows that this one event is on the chain
  host audit check-proof FILE --key host.pub                       checks it, with nothing but the key
  host audit head        [FOLDER]                                  the last seal
  host audit anchor      [FOLDER] [--out FILE]                     the last seal as one line, to be kept elsewhere

Of a host that serves
  host audit tail        [EVENTS]                                  prints events as they come; Ctrl-C ends it
  host audit stamp       URL --ca FILE                             has a timestamp authority (RFC 3161) vouch for the chain
  host audit forget      PERSON --reason WHY                       makes what is said about a person unreadable for ever

FOLDER is a copy of the chain, or a state folder; without it the one of --state, HOST_STATE or .motehost.

  -k, --key FILE          the host's public key, or its text (ed25519:…); several times for several
  --anchor FILE           a line that host audit anchor made earlier: the chain has to have it
  --ca FILE               certificate (PEM) of a timestamp authority, or of who issued its own

EVENTS
  -a, --agent NAME        of this agent; several times for several
  -p, --principal NAME    on whose behalf: a token's name, local, an agent
  --kind KIND             message-denied, invocation-ended, decision, …; several times for several
  --from TIME, --to TIME  2026-12-31, 2026-12-31T18:00:00Z, or how long ago: 2h, 30d
  -n, --lines N           at most so many
  --json                  JSON
  --people                query, export: also what is said about people, where its keys are (the host's own state folder)
${connectionHelp}
Exit codes: 0 intact; 1 verification found something (it says which event, in which file, at which byte);
65 not what it should be; 66 no chain there; 69 no host answers.
`,
  endsProcess: true,
  run: async (args) => {
    const { values, positionals } = parseWords('audit', args, options);
    const [name, ...words] = positionals;
    const action = Object.hasOwn(actions, name ?? '') ? actions[name ?? ''] : undefined;
    if (action === undefined) {
      const names = Object.keys(actions);
      const asked = name === undefined ? '' : `no action '${name}'${nearest(name, names)}; `;
      throw new HostError('HOST_ERR_CLI_USAGE', `${asked}${names.join(', ')}? ${usage}`);
    }
    requireWords(words, action.words, usage);
    return (await action.load())(words, values);
  },
};

type Values = ReturnType<typeof parseWords<typeof options>>['values'];

interface Action {
  /** Words beside flags. */
  readonly words: number;
  readonly load: () => Promise<(words: readonly string[], values: Values) => number | Promise<number>>;
}

const actions: Readonly<Record<string, Action>> = {
  verify: { words: 1, load: async () => (await import('./audit/verify.ts')).verify },
  query: { words: 1, load: async () => (await import('./audit/query.ts')).query },
  tail: { words: 0, load: async () => (await import('./audit/tail.ts')).tail },
  export: { words: 1, load: async () => (await import('./audit/export.ts')).exportEvents },
  report: { words: 2, load: async () => (await import('./audit/report.ts')).report },
  prove: { words: 2, load: async () => (await import('./audit/prove.ts')).prove },
  'check-proof': { words: 1, load: async () => (await import('./audit/prove.ts')).checkProof },
  head: { words: 1, load: async () => (await import('./audit/head.ts')).head },
  anchor: { words: 1, load: async () => (await import('./audit/head.ts')).anchor },
  stamp: { words: 1, load: async () => (await import('./audit/stamp.ts')).stamp },
  forget: { words: 1, load: async () => (await import('./audit/forget.ts')).forget },
};
