/** `host serve` with a host that only says, as log lines, what it is told: for what the command does by itself. */

import { exitCodeOfError } from '../../host/cli/exit-code.ts';
import type { Parts } from '../../host/cli/serve/parts.ts';
import { readSettings, serveAgents } from '../../host/cli/serve.ts';
import { systemClock } from '../../host/clock.ts';
import { HostError } from '../../host/errors.ts';
import type { LocalServing } from '../../host/host/serve.ts';
import type { AgentDetail } from '../../host/host/serving.ts';
import { agentsOf } from '../../host/manifest.ts';

const parts: Parts = {
  serve: async ({
    agents,
    stateFolder: _state,
    cacheFolder: _cache,
    log,
    clock: _clock,
    random: _random,
    ...rest
  }) => {
    const say = (agent: string | undefined, text: string): void =>
      log({ atMs: 0, level: 'info', agent, messageId: undefined, text, fields: [] });
    const detailOf = (name: string, bytes: Uint8Array): AgentDetail =>
      ({
        name,
        digest: `${bytes.length}`.padEnd(64, '0'),
        imports: [`import-of-${bytes.length}`],
      }) as Partial<AgentDetail> as AgentDetail;
    const present = new Map(
      agents.map(({ manifest, component }) => [manifest.name, detailOf(manifest.name, component)]),
    );
    say(
      undefined,
      `serves ${JSON.stringify(rest, (_, value) => (typeof value === 'bigint' ? `${value}` : value))}`,
    );
    return {
      ...({} as LocalServing),
      agent: async (name) => present.get(name) as AgentDetail,
      upgrade: async (_path, { name }, component) => {
        const agent = detailOf(name, component);
        present.set(name, agent);
        say(name, 'upgrade');
        return { kind: 'upgraded', agent };
      },
      renewSupervisors: async (trees) => {
        if (trees.flatMap(agentsOf).every((name) => present.has(name)))
          return { began: trees.map(({ name }) => name), ended: [] };
        throw new HostError('HOST_ERR_CONFIG_INVALID', 'a child is no agent here');
      },
      close: async (drainMs) => {
        say(undefined, `closes within ${drainMs}`);
        if (process.env.STUCK) await systemClock.sleep(600_000);
      },
    };
  },
  listen: async (_serving, { host = '', port = 0, auth = false }) => ({
    url: `http://${host}:${port}`,
    port,
    authOff: !auth,
    needsToken: auth,
    close: async () => {},
  }),
};

// As a listening socket would.
const awake = setInterval(() => {}, 60_000);

try {
  process.exitCode = await serveAgents(await readSettings(process.argv.slice(2)), parts);
  clearInterval(awake);
} catch (error) {
  if (!(error instanceof HostError)) throw error;
  clearInterval(awake);
  process.stderr.write(`host: ${error.message}\n`);
  process.exitCode = exitCodeOfError(error.class);
}
