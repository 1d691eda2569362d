import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { inspect } from 'node:util';
import { historyFiles } from '../../host/history/history-files.ts';
import { type Replayed, replaying, type Unreplayed } from '../../host/host/record/replaying.ts';

/** Lines of a manifest. */
export const recorded = '[history]\nrecord = true\n';

/** Does what an agent is recorded at, and waits until the file has it: a block of its own. */
export async function inItsBlock<Answer>(stateFolder: string, act: () => Promise<Answer>): Promise<Answer> {
  const folder = join(stateFolder, 'history');
  const bytes = (): number =>
    historyFiles(folder).reduce((sum, { name }) => sum + statSync(join(folder, name)).size, 0);
  const before = bytes();
  const answer = await act();
  while (bytes() === before) await turn();
  return answer;
}

/** What comes of an agent's turns when they run again, with this component or their own. */
export function turnsOf(
  stateFolder: string,
  agent: string,
  component?: Uint8Array<ArrayBuffer>,
): Promise<(Replayed | Unreplayed)[]> {
  const other = component === undefined ? {} : { component };
  return Array.fromAsync(
    replaying({ stateFolder, agent, cacheFolder: undefined, closeUp: () => true, ...other }),
  );
}

/** Of all turns; where one is not the same, what is different. */
export function kindsOf(turns: readonly (Replayed | Unreplayed)[]): string[] {
  return turns.map((turn) => {
    if (turn.kind === 'unreplayed') return turn.reason;
    return turn.divergence === undefined ? turn.kind : inspect(turn.divergence, { depth: 6 });
  });
}

export function replayed(turn: Replayed | Unreplayed | undefined): Replayed {
  assert.ok(turn !== undefined && turn.kind !== 'unreplayed', `not replayed: ${inspect(turn)}`);
  return turn;
}

/** What the agent answered when the turn ran again, or how that ended. */
export function answerOf(turn: Replayed | Unreplayed | undefined): string {
  const { now } = replayed(turn);
  return now.kind === 'ok' && now.value instanceof Uint8Array
    ? new TextDecoder().decode(now.value)
    : now.kind;
}
