import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { HostError } from '../../errors.ts';
import { kinds, queryChain } from '../../host/record/audit.ts';
import { recordedNames } from '../../host/state/agent-records.ts';
import type { KeyOwner } from '../../identity/host-secret.ts';
import type { Keyring } from '../../identity/keyring.ts';
import { nearest } from '../../nearest.ts';

const agentPrefix = 'agent/';

/**
 * A key can be derived for every name: only that of somebody who is or was here is shown or changed. The host, who
 * has a key in the ring, and agents that the records or the audit chain know are.
 * @throws HostError `HOST_ERR_AGENT_UNKNOWN`; `HOST_ERR_AUDIT_CORRUPT` where the chain cannot be read on
 */
export async function requireKnown(owner: KeyOwner, keyring: Keyring, stateFolder: string): Promise<void> {
  if (owner === 'host') return;
  const known = new Set<string>(Object.keys(keyring.generations));
  if (known.has(owner)) return;
  for (const name of recordedNames(join(stateFolder, 'agents.sqlite'))) known.add(agentPrefix + name);
  if (known.has(owner)) return;
  // Agents out of folders are in no record.
  for await (const name of installedNames(join(stateFolder, 'audit'))) known.add(agentPrefix + name);
  if (known.has(owner)) return;
  const agent = owner.slice(agentPrefix.length);
  const names = ['host', ...[...known].map((one) => one.slice(agentPrefix.length))];
  const hint = nearest(agent, names) || `; of a host that serves, 'host agents' lists them`;
  throw new HostError('HOST_ERR_AGENT_UNKNOWN', `no agent '${agent}' is or was in ${stateFolder}${hint}`, {
    agent,
  });
}

async function* installedNames(folder: string): AsyncGenerator<string> {
  if (!existsSync(folder)) return;
  for await (const { agent } of queryChain(folder, { kinds: [kinds.agentInstalled] }))
    if (agent !== null) yield agent;
}
