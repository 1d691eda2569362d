import { existsSync } from 'node:fs';
import { systemClock } from '../clock.ts';
import { HostError } from '../errors.ts';
import type { Command } from './command.ts';
import { exitCodes } from './exit-code.ts';
import { parseWords, requireWords } from './words.ts';

const options = {
  principal: { type: 'string', short: 'p' },
  action: { type: 'string', short: 'a' },
  resource: { type: 'string', short: 'r' },
  context: { type: 'string', short: 'c' },
  at: { type: 'string' },
  json: { type: 'boolean' },
} as const;
const usage = 'see host policy --help';

export const command: Command = {
  summary: 'check, explain, test and watch a folder of policies',
  help: `host policy: checks, explains, tests and watches a folder of policies (Cedar), without a host

Usage: host policy check   [FOLDER] [--json]   is everything in it valid?
       host policy explain [FOLDER] --principal WHO --action WHAT --resource WITH-WHAT [--context JSON] [--json]
       host policy test    [FOLDER] [--json]   decides the cases in its files *.test.toml
       host policy watch   [FOLDER]            checks and tests it again whenever it changes
       host policy schema                      prints the schema that policies are validated against

  host policy explain policies --principal agent:shop --action bus.publish --resource subject:orders.eu \\
    --context '{"bytes": 100, "labels": ["pii"]}'

  -p, --principal WHO     agent:NAME or principal:NAME (a token's name)
  -a, --action WHAT       what it wants to do: bus.send, http.request, tool.call, …
  -r, --resource WHAT     with what: agent:NAME, subject:orders.>, host:api.example.com:443, data:file:/srv/in/a.csv,
                          tool:SERVER/NAME, secret:HANDLE, tier:gvisor, component:DIGEST
  -c, --context JSON      what else is known of the request          [{}]
  --at TIME               when it is asked: 2026-12-31T18:00:00Z     [now]
  --json                  JSON: one document, or a line for each case

FOLDER is policies if it is left out. In it: *.cedar and *.cedar.json (policies), entities.toml (groups and labels),
*.test.toml (cases).

Exit codes: 0 valid, allowed or as expected; 1 a case came out otherwise; 65 something in the folder is wrong;
77 explain: denied, or a person has to approve; 130 Ctrl-C.
`,
  run: async (args) => {
    const { values, positionals } = parseWords('policy', args, options);
    const [action, folder = 'policies'] = positionals;
    requireWords(positionals, action === 'schema' ? 1 : 2, usage);
    if (action === 'schema') return print((await import('../host/policy/policy.ts')).schemaText);
    const run = Object.hasOwn(actions, action ?? '') ? actions[action ?? ''] : undefined;
    if (run === undefined)
      throw new HostError('HOST_ERR_CLI_USAGE', `check, explain, test, watch or schema? ${usage}`);
    if (!existsSync(folder))
      throw new HostError('HOST_ERR_FILE_NOT_FOUND', `no such folder: ${folder}`, { path: folder });
    return run(folder, values);
  },
};

type Values = ReturnType<typeof parseWords<typeof options>>['values'];

type Run = (folder: string, values: Values) => Promise<number>;

const actions: Readonly<Record<string, Run>> = {
  check: async (folder, { json }) => (await import('./policy/check.ts')).checkFolder(folder, json === true),
  explain: async (folder, values) =>
    (await import('./policy/explain.ts')).explainRequest(folder, values, systemClock),
  test: async (folder, { json }) =>
    (await import('./policy/test.ts')).testFolder(folder, json === true, systemClock),
  watch: async (folder) => (await import('./policy/watch.ts')).watchFolder(folder, systemClock),
};

function print(text: string): number {
  process.stdout.write(text);
  return exitCodes.ok;
}
