import { HostError } from '../errors.ts';
import { type Replayed, replaying, type TurnDivergence, type Unreplayed } from '../host/replaying.ts';
import { readRegularFile } from '../regular-file.ts';
import type { Command } from './command.ts';
import { exitCodes } from './exit-code.ts';
import { stateFolderOf } from './serve/state-folder.ts';
import { countOf, parseWords, requireWords } from './words.ts';

const options = {
  component: { type: 'string' },
  from: { type: 'string' },
  until: { type: 'string' },
  json: { type: 'boolean' },
  quiet: { type: 'boolean', short: 'q' },
  state: { type: 'string' },
} as const;
const usage = 'host replay AGENT; see host replay --help';
const turnsMax = Number.MAX_SAFE_INTEGER;
const textCharsMax = 200;

export const command: Command = {
  summary: 'run again what an agent did, and compare',
  help: `host replay: run again what an agent did, turn by turn, and compare every output and all fuel

Usage: host replay AGENT [--component FILE.wasm] [--from TURN] [--until TURN] [--json]

  host replay billing                             is it the same today?
  host replay billing --component new.wasm        what would the new version have done?
  host replay billing --from 12 --until 12        one turn, from close up

What an agent is told is written down if its agent.toml says so:

  [history]
  record = true

  --component FILE.wasm   run this instead of what the agent was
  --from TURN             print turns from this number on; those before it are run too     [0]
  --until TURN            end after this one
  -q, --quiet             print what differs and the sum
  --json                  each turn as a line of JSON
  --state FOLDER          the state folder of the host, which may run          [.motehost, or HOST_STATE]

The exit code is 0 when every turn was the same, 1 when one was not.
`,
  endsProcess: true,
  run: async (args) => {
    const { values, positionals } = parseWords('replay', args, options);
    requireWords(positionals, 1, usage);
    const [agent] = positionals;
    if (agent === undefined) throw new HostError('HOST_ERR_CLI_USAGE', `whose history? ${usage}`);
    const component = values.component === undefined ? {} : { component: bytesOf(values.component) };
    const turns = replaying({
      stateFolder: stateFolderOf(values.state, process.env),
      agent,
      cacheFolder: undefined,
      ...component,
    });
    return print(turns, {
      from: values.from === undefined ? 0 : countOf('--from', values.from, turnsMax),
      until: values.until === undefined ? turnsMax : countOf('--until', values.until, turnsMax),
      isJson: values.json === true,
      isQuiet: values.quiet === true,
    });
  },
};

interface Printing {
  readonly from: number;
  readonly until: number;
  readonly isJson: boolean;
  readonly isQuiet: boolean;
}

async function print(
  turns: AsyncIterable<Replayed | Unreplayed>,
  { from, until, isJson, isQuiet }: Printing,
): Promise<number> {
  const counts = { same: 0, cut: 0, diverged: 0, unreplayed: 0 };
  let fuel = 0n;
  for await (const turn of turns) {
    counts[turn.kind] += 1;
    if (turn.kind !== 'unreplayed') fuel += turn.now.fuel;
    const isShown = turn.turn >= from && (!isQuiet || turn.kind === 'diverged' || turn.kind === 'unreplayed');
    if (isShown) process.stdout.write(isJson ? `${JSON.stringify(turn, plain)}\n` : textOf(turn));
    if (turn.turn >= until) break;
  }
  const parts = Object.entries(counts).flatMap(([kind, count]) => (count > 0 ? [`${count} ${kind}`] : []));
  process.stderr.write(`host: ${parts.join(', ') || 'no turns'}; ${fuel} fuel\n`);
  return counts.diverged === 0 ? exitCodes.ok : 1;
}

function textOf(turn: Replayed | Unreplayed): string {
  if (turn.kind === 'unreplayed') return `${turn.turn}  not replayed: ${turn.reason}\n`;
  const { exported, before, calls } = turn;
  const head = `${turn.turn}  ${turn.kind}  ${exported}  ${before.kind}  ${before.fuel} fuel  ${calls} calls`;
  return turn.divergence === undefined ? `${head}\n` : `${head}\n${differenceOf(turn.divergence)}`;
}

function differenceOf(divergence: TurnDivergence): string {
  const { expected, found } = divergence;
  const where = divergence.at === 'call' ? `at call ${divergence.call}` : `at its end: ${divergence.field}`;
  return `   ${where}\n   then  ${short(expected)}\n   now   ${short(found)}\n`;
}

function short(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value, plain);
  return text.length > textCharsMax ? `${text.slice(0, textCharsMax)}…` : text;
}

/** Bytes as text where they are text; large numbers as decimal texts. */
function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (!(value instanceof Uint8Array)) return value;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(value);
  } catch {
    return { base64: Buffer.from(value).toString('base64') };
  }
}

function bytesOf(path: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(readRegularFile(path));
  } catch (cause) {
    throw new HostError('HOST_ERR_FILE_NOT_FOUND', `cannot read ${path}`, { path }, cause);
  }
}
