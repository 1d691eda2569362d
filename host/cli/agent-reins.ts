import { HostError, plainText } from '../errors.ts';
import type { AgentMetrics } from '../host/serving.ts';
import type { Connection } from './client/connection.ts';
import { tableIn, type Wire } from './client/wire.ts';
import { exitCodes } from './exit-code.ts';

/** What `host agents` does with one that runs. */
export const reins: ReadonlySet<string> = new Set(['pause', 'stop', 'kill']);

const told: Readonly<Record<string, string>> = {
  pause: 'is paused; host agents resume lets it go on',
  stop: 'ends; host agents wait says when it has',
  kill: 'is ended',
};

export async function pull(connection: Connection, rein: string, name: string): Promise<number> {
  await connection.json('POST', `/v1/agents/${encodeURIComponent(name)}/${rein}`);
  process.stderr.write(`host: ${plainText(name)} ${told[rein]}\n`);
  return exitCodes.ok;
}

/** Milliseconds of one look, shorter than what doors between allow for silence. */
const lookMs = 20_000;
const timeoutSecondsDefault = 3_600;

/** Prints the state once the agent is in it. @throws HostError `HOST_ERR_CLI_USAGE` */
export async function wait(
  connection: Connection,
  name: string,
  until: string = 'ended',
  seconds: string = String(timeoutSecondsDefault),
): Promise<number> {
  const timeoutMs = Number(seconds) * 1_000;
  if (!(timeoutMs >= 0))
    throw new HostError('HOST_ERR_CLI_USAGE', `--timeout ${seconds} is no number of seconds`);
  const untilMs = performance.now() + timeoutMs;
  for (;;) {
    const leftMs = Math.max(0, Math.round(untilMs - performance.now()));
    const query = new URLSearchParams({ until, timeoutMs: String(Math.min(lookMs, leftMs)) });
    const path = `/v1/agents/${encodeURIComponent(name)}/state?${query}`;
    const state = tableIn(await connection.json('GET', path)) as Wire<AgentMetrics> & { reached?: boolean };
    if (state.reached === true || leftMs === 0) {
      process.stdout.write(`${state.lifecycle}\n`);
      if (state.reached === true) return exitCodes.ok;
      process.stderr.write(
        `host: ${plainText(name)} is ${state.lifecycle}, and not ${until} after ${seconds} s\n`,
      );
      return exitCodes.limit;
    }
  }
}
