import { HostError } from '../errors.ts';
import {
  type HistoryPlace,
  histories,
  type Replayed,
  replaying,
  type Unreplayed,
} from '../host/record/replaying.ts';
import { passphraseFrom } from '../identity/passphrase.ts';
import { readRegularFile } from '../regular-file.ts';
import { systemFault } from '../system-fault.ts';
import { grouped } from './client/amount.ts';
import type { Command } from './command.ts';
import { exitCodes } from './exit-code.ts';
import { plain } from './replay/plain.ts';
import { Stepping } from './replay/stepping.ts';
import { closeUpOf, lineOf, placeOf, tableOf } from './replay/texts.ts';
import { stateFolderOf } from './serve/state-folder.ts';
import { countOf, parseWords, requireWords } from './words.ts';

const options = {
  component: { type: 'string' },
  from: { type: 'string' },
  until: { type: 'string' },
  turn: { type: 'string' },
  step: { type: 'boolean' },
  json: { type: 'boolean' },
  quiet: { type: 'boolean', short: 'q' },
  'take-unsealed': { type: 'boolean' },
  state: { type: 'string' },
} as const;
const usage = 'host replay [AGENT]; see host replay --help';
const turnsMax = 999_999_999;

export const command: Command = {
  summary: 'run again what an agent did, and compare',
  help: `host replay: run again what an agent did, turn by turn, and compare all it said and all fuel

Usage: host replay                              which agents can be run again
       host replay AGENT [OPTIONS]

  host replay billing                           does it do today what it did then?
  host replay billing --component new.wasm      what would the new version have done?
  host replay billing --turn 12                 one turn from close up: what it was told, asked, and answered
  host replay billing --step                    turn by turn, each from close up

A turn is one message handled, or one start. Nothing outside is touched: all that the agent asks is answered from its
history. What an agent is told is written down if its agent.toml says so:

  [history]
  record = true

  --component FILE.wasm   run this instead; its fuel and memory are its own, and no difference
  --from N, --until N     only print these turns; those before are run too     [1, the last]
  --turn N                only this turn, from close up
  --step                  wait for Enter after each turn; a number goes on to that turn, q ends
  -q, --quiet             print what differs, and the sum
  --json                  a turn (or, without AGENT, an agent) as a line of JSON; with --turn all that happened in it
  --take-unsealed         also read what an earlier version wrote down unsealed
  --state FOLDER          the state folder of the host, which may be running   [.motehost, or HOST_STATE]

Histories are sealed with the host's key: MOTEHOST_KEY_PASSPHRASE opens a sealed host.key.

Exit codes: 0 all was the same; 1 a turn was not; 65 none could be run again; 66 no such history; 69 the history is
damaged (what lies before the damage was run).
`,
  endsProcess: true,
  run: async (args) => {
    const { values, positionals } = parseWords('replay', args, options);
    requireWords(positionals, 1, usage);
    const [agent] = positionals;
    const place = {
      stateFolder: stateFolderOf(values.state, process.env),
      passphrase: passphraseFrom(process.env),
      takesUnsealed: values['take-unsealed'] === true,
    };
    if (agent === undefined) return list(place, values.json === true);
    return show(agent, place, viewOf(values), values.component);
  },
};

function list(place: HistoryPlace, isJson: boolean): number {
  const all = histories(place);
  process.stdout.write(isJson ? all.map((one) => `${JSON.stringify(one)}\n`).join('') : tableOf(all));
  return exitCodes.ok;
}

/** Which turns are shown, and how. */
interface View {
  readonly from: number;
  readonly until: number;
  readonly isClose: boolean;
  readonly isStepping: boolean;
  readonly isJson: boolean;
  readonly isQuiet: boolean;
}

/** @throws HostError `HOST_ERR_CLI_USAGE` */
function viewOf(
  values: {
    readonly [name in 'from' | 'until' | 'turn']?: string | undefined;
  } & { readonly [name in 'step' | 'json' | 'quiet']?: boolean | undefined },
): View {
  const turn = values.turn === undefined ? undefined : countOf('--turn', values.turn, turnsMax);
  if (turn !== undefined && (values.from ?? values.until) !== undefined)
    throw new HostError('HOST_ERR_CLI_USAGE', '--turn is one turn; leave out --from and --until');
  const isStepping = values.step === true;
  return {
    from: turn ?? (values.from === undefined ? 1 : countOf('--from', values.from, turnsMax)),
    until: turn ?? (values.until === undefined ? turnsMax : countOf('--until', values.until, turnsMax)),
    isClose: isStepping || turn !== undefined,
    isStepping,
    isJson: values.json === true,
    isQuiet: values.quiet === true,
  };
}

async function show(
  agent: string,
  place: HistoryPlace,
  view: View,
  componentPath: string | undefined,
): Promise<number> {
  const component = componentPath === undefined ? {} : { component: bytesOf(componentPath) };
  const stepping = view.isStepping ? new Stepping() : undefined;
  const isShown = (turn: number): boolean => turn >= view.from && (stepping?.shows(turn) ?? true);
  const closeUp = (turn: number): boolean => view.isClose && isShown(turn);
  const sum = new Sum();
  try {
    for await (const turn of replaying({
      ...place,
      agent,
      cacheFolder: undefined,
      closeUp,
      ...component,
    })) {
      sum.add(turn);
      if (isShown(turn.turn)) print(turn, view);
      if (turn.turn >= view.until) break;
      if (turn.turn >= view.from && (await stepping?.goesOn(turn.turn)) === false) break;
    }
  } catch (thrown) {
    // Where nothing could be run there is nothing to sum up.
    if (sum.turns > 0) sayOf(sum);
    throw thrown;
  } finally {
    stepping?.close();
  }
  sayOf(sum);
  return sum.exitCode;
}

function sayOf(sum: Sum): void {
  process.stderr.write(`host: ${sum.text}\n`);
}

function print(turn: Replayed | Unreplayed, { isJson, isQuiet, isClose }: View): void {
  if (isQuiet && (turn.kind === 'same' || turn.kind === 'cut')) return;
  if (isJson) process.stdout.write(`${JSON.stringify(turn, plain)}\n`);
  else process.stdout.write(isClose ? closeUpOf(turn) : lineOf(turn));
}

/** What came of all turns. */
class Sum {
  readonly #counts = { same: 0, cut: 0, diverged: 0, unreplayed: 0 };
  #fuel = 0n;
  #first: string | undefined;

  add(turn: Replayed | Unreplayed): void {
    this.#counts[turn.kind] += 1;
    if (turn.kind === 'unreplayed') return;
    this.#fuel += turn.now.fuel;
    if (turn.divergence !== undefined) this.#first ??= `turn ${turn.turn}, ${placeOf(turn.divergence)}`;
  }

  get turns(): number {
    const { same, cut, diverged, unreplayed } = this.#counts;
    return same + cut + diverged + unreplayed;
  }

  get text(): string {
    const { same, cut, diverged, unreplayed } = this.#counts;
    const parts = [
      `${grouped(same)} the same`,
      ...(cut > 0 ? [`${grouped(cut)} the same up to where the host ended them`] : []),
      ...(diverged > 0 ? [`${grouped(diverged)} different`] : []),
      ...(unreplayed > 0 ? [`${grouped(unreplayed)} not run again`] : []),
      `${grouped(this.#fuel)} fuel`,
    ];
    return this.#first === undefined
      ? parts.join(', ')
      : `${parts.join(', ')}; first different: ${this.#first}`;
  }

  get exitCode(): number {
    const { same, cut, diverged, unreplayed } = this.#counts;
    if (diverged > 0) return exitCodes.failure;
    return unreplayed > 0 && same + cut === 0 ? exitCodes.badInput : exitCodes.ok;
  }
}

/** @throws HostError `HOST_ERR_FILE_NOT_FOUND` */
function bytesOf(path: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(readRegularFile(path));
  } catch (cause) {
    throw new HostError(
      'HOST_ERR_FILE_NOT_FOUND',
      `cannot read ${path}: ${systemFault(cause)}`,
      { path },
      cause,
    );
  }
}
