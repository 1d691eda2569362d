import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { judgeCall } from '../../agent/calls.ts';
import { systemClock, systemRandom } from '../../clock.ts';
import { createEngine, type Engine } from '../../engine/engine.ts';
import { InstancePools } from '../../engine/hibernation/instance-pools.ts';
import type { Program } from '../../engine/program.ts';
import { newResidence, Residence } from '../../engine/residence.ts';
import type { WasiGrants } from '../../engine/wasi/grants.ts';
import { HostError } from '../../errors.ts';
import type { HistorySeal } from '../../history/block.ts';
import { agentsIn, type HistorySummary, readHistory } from '../../history/history.ts';
import type { LifeFacts } from '../../history/recorder.ts';
import { Replay, type Replayed, type Unreplayed } from '../../history/replay.ts';
import { hasHostSecret, openHostSecret } from '../../identity/key-file.ts';
import { StoreSeal } from '../../identity/store-seal.ts';
import { nearest } from '../../nearest.ts';
import { ComponentFiles } from '../state/component-files.ts';
import { historySeal } from '../trust/history-seal.ts';

export type { HistorySummary } from '../../history/history.ts';
export type { AnswerText, CallText, Happening } from '../../history/player.ts';
export type { Replayed, TurnDivergence, Unreplayed } from '../../history/replay.ts';
export type { TurnEnd } from '../../history/turn-end.ts';

/** Where histories are, and what opens them. */
export interface HistoryPlace {
  /** Of a host, which may run meanwhile. */
  readonly stateFolder: string;
  /** Of its `host.key`, if that is sealed. */
  readonly passphrase?: string | undefined;
  /** Also reads what an earlier version did not seal. */
  readonly takesUnsealed?: boolean;
}

/** Whose turns are to run again, and with what. */
export interface ReplayingOptions extends HistoryPlace {
  readonly agent: string;
  /** Run this one instead of what the agent was. */
  readonly component?: Uint8Array<ArrayBuffer>;
  readonly cacheFolder: string | undefined;
  /** Which turns are looked at from close up. */
  readonly closeUp?: (turn: number) => boolean;
}

/**
 * Agents that the histories of a state folder are about.
 * @throws HostError `HOST_ERR_HISTORY_CORRUPT`; `HOST_ERR_HISTORY_SEALED` where the key is missing or another; as `openHostSecret`
 */
export function histories(place: HistoryPlace): readonly HistorySummary[] {
  const folder = join(place.stateFolder, 'history');
  return existsSync(folder) ? agentsIn(folder, sealOf(place)) : [];
}

/** Undefined: there is no key, so nothing in the folder was sealed by it. */
function sealOf({ stateFolder, passphrase, takesUnsealed = false }: HistoryPlace): HistorySeal | undefined {
  const folder = join(stateFolder, 'keys');
  if (!hasHostSecret(folder)) return undefined;
  const secret = openHostSecret({ folder, random: systemRandom, passphrase });
  return historySeal(new StoreSeal({ secret, random: systemRandom, store: 'history', takesUnsealed }));
}

/**
 * Runs again what an agent did, turn by turn.
 * @throws HostError `HOST_ERR_HISTORY_UNKNOWN` for an agent without a history; as `histories`;
 *   `HOST_ERR_FILE_NOT_FOUND` when the component of a life is not kept any more
 */
export async function* replaying(options: ReplayingOptions): AsyncGenerator<Replayed | Unreplayed> {
  const { stateFolder, agent, component, cacheFolder, closeUp = () => false } = options;
  const folder = join(stateFolder, 'history');
  if (!existsSync(folder)) throw unknown(agent, []);
  const seal = sealOf(options);
  // For lives that go back to what they were; one agent, in this thread alone.
  const pools = new InstancePools({ residence: new Residence(newResidence(2), 1) });
  const engine = createEngine({ cacheFolder, clock: systemClock, pools });
  const replay = new Replay({
    engine,
    programOf: programsOf(engine, new ComponentFiles(join(folder, 'components')), component),
    clock: systemClock,
    grants: nothing,
    judge: judgeCall,
    isOther: component !== undefined,
    closeUp,
  });
  let isKnown = false;
  try {
    for (const record of readHistory(folder, agent, seal)) {
      isKnown ||= record.kind !== 'gap';
      const replayed = await replay.next(record);
      if (replayed !== undefined) yield replayed;
    }
    if (!isKnown)
      throw unknown(
        agent,
        agentsIn(folder, seal).map((one) => one.agent),
      );
  } finally {
    await replay.close();
    await engine.close();
  }
}

/** The program of each life, loaded once; always `other`, if there is one. */
function programsOf(
  engine: Engine,
  files: ComponentFiles,
  other: Uint8Array<ArrayBuffer> | undefined,
): (facts: LifeFacts) => Promise<Program> {
  const programs = new Map<string, Program>();
  return async ({ digest }) => {
    const key = other === undefined ? digest : '';
    const known = programs.get(key);
    if (known !== undefined) return known;
    const program = engine.load(await engine.prepare(other ?? (await files.get(digest))));
    programs.set(key, program);
    return program;
  };
}

function unknown(agent: string, known: readonly string[]): HostError {
  const hint =
    nearest(agent, known) ||
    '; record = true under [history] in its agent.toml begins one with its next start; if that is there already, it has had no message yet';
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
