import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { judgeCall } from '../agent/calls.ts';
import { systemClock, systemRandom } from '../clock.ts';
import { createEngine } from '../engine/engine.ts';
import type { Program } from '../engine/program.ts';
import type { WasiGrants } from '../engine/wasi/grants.ts';
import { HostError } from '../errors.ts';
import { agentsIn, readHistory } from '../history/history-files.ts';
import { Replay, type Replayed, type Unreplayed } from '../history/replay.ts';
import { nearest } from '../nearest.ts';
import { ComponentFiles } from './component-files.ts';

export type { Replayed, TurnDivergence, Unreplayed } from '../history/replay.ts';

export interface ReplayingOptions {
  /** Of a host, which may run meanwhile. */
  readonly stateFolder: string;
  readonly agent: string;
  /** Run this one instead of what the agent was. */
  readonly component?: Uint8Array<ArrayBuffer>;
  readonly cacheFolder: string | undefined;
}

/**
 * Runs again what an agent did, turn by turn.
 * @throws HostError `HOST_ERR_HISTORY_UNKNOWN` for an agent without a history; `HOST_ERR_HISTORY_CORRUPT`;
 *   `HOST_ERR_FILE_NOT_FOUND` when the component of a life is not kept any more
 */
export async function* replaying(options: ReplayingOptions): AsyncGenerator<Replayed | Unreplayed> {
  const { stateFolder, agent, component, cacheFolder } = options;
  const folder = join(stateFolder, 'history');
  if (!existsSync(folder)) throw unknown(agent, []);
  const engine = createEngine({ cacheFolder, clock: systemClock });
  const files = new ComponentFiles(join(folder, 'components'));
  const programs = new Map<string, Program>();
  const programOf = async (digest: string): Promise<Program> => {
    const known = programs.get(digest);
    if (known !== undefined) return known;
    const program = engine.load(await engine.prepare(component ?? (await files.get(digest))));
    programs.set(digest, program);
    return program;
  };
  const replay = new Replay({
    engine,
    programOf: ({ digest }) => programOf(component === undefined ? digest : ''),
    clock: systemClock,
    grants: nothing,
    judge: judgeCall,
  });
  let isKnown = false;
  try {
    for (const record of readHistory(folder, agent)) {
      isKnown = true;
      const replayed = await replay.next(record);
      if (replayed !== undefined) yield replayed;
    }
    if (!isKnown) throw unknown(agent, agentsIn(folder));
  } finally {
    await replay.close();
    await engine.close();
  }
}

function unknown(agent: string, known: readonly string[]): HostError {
  const hint =
    nearest(agent, known) ||
    '; record = true under [history] in its agent.toml begins one with its next start';
  return new HostError('HOST_ERR_HISTORY_UNKNOWN', `there is no history of ${agent}${hint}`, { agent });
}

/** What a program reaches beside its history. */
const nothing: WasiGrants = {
  args: [],
  env: [],
  stdin: { isTerminal: false, read: async () => undefined },
  stdout: { isTerminal: false, write: async () => {} },
  stderr: { isTerminal: false, write: async () => {} },
  preopens: [],
  net: [],
  clock: systemClock,
  random: systemRandom,
};
