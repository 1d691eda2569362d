import type { Limits } from '../../limits.ts';
import type { EntityRef } from '../../policy/entity.ts';
import type { PolicyRequest } from '../../policy/request.ts';

const fuelShownMax = BigInt(Number.MAX_SAFE_INTEGER);

export function principalOf(name: string): EntityRef {
  return { kind: 'Principal', id: name };
}

export function agentOf(name: string): EntityRef {
  return { kind: 'Agent', id: name };
}

export function startOf(by: string, agent: string): PolicyRequest {
  return { principal: principalOf(by), action: 'agent.start', resource: agentOf(agent) };
}

/** Fuel and memory of one message, as it will be limited. */
export function allocation(
  by: string,
  agent: string,
  { fuelMax, memoryBytesMax, deadlineMs }: Limits,
): PolicyRequest {
  const fuel = Number(fuelMax < fuelShownMax ? fuelMax : fuelShownMax);
  const context = { fuel, memoryBytes: memoryBytesMax, deadlineMs: Math.ceil(deadlineMs) };
  return { principal: principalOf(by), action: 'resource.allocate', resource: agentOf(agent), context };
}

/** Nobody assesses risks yet: 0. */
export function tierUse(agent: string, tier: string): PolicyRequest {
  return {
    principal: agentOf(agent),
    action: 'tier.use',
    resource: { kind: 'Tier', id: tier },
    context: { risk: 0 },
  };
}
