import type { Agent } from '../agent/agent.ts';
import type { Budget } from '../engine/budget.ts';
import { type HostInterface, WitError } from '../engine/linker.ts';

const contextFunctions = ['get', 'put', 'delete', 'list', 'usage'];
const suspending: ReadonlySet<string> = new Set();

/**
 * What the agent's world promises and this host has not got: without a grant `denied`, as anywhere; with one
 * `unavailable` (wit/context.wit, wit/tools.wit). There are no tools, so every list of them is empty.
 * @returns undefined for what no world of ours promises
 */
export function absentRoom(compatible: string, agent: Agent, budget: Budget): HostInterface | undefined {
  switch (compatible) {
    case 'motehost:agent/context@0.1':
      return { functions: contextOf(agent, budget), suspending };
    case 'motehost:agent/tools@0.1':
      return { functions: toolsOf(agent, budget), suspending };
    default:
      return undefined;
  }
}

function contextOf(agent: Agent, budget: Budget): HostInterface['functions'] {
  const context = (name: string) => (): never => {
    const { capabilities } = agent;
    return answer(budget, capabilities.mayUseContext(), `context ${name}`, () =>
      capabilities.cure('context', name),
    );
  };
  return Object.fromEntries(contextFunctions.map((name) => [name, context(name)]));
}

function toolsOf(agent: Agent, budget: Budget): HostInterface['functions'] {
  return {
    list: () => [],
    call: (tool: string) => {
      const { capabilities } = agent;
      return answer(budget, capabilities.mayCall(tool), `tool ${tool}`, () =>
        capabilities.cure('tool', tool),
      );
    },
  };
}

function answer(budget: Budget, isGranted: boolean, what: string, cure: () => string): never {
  if (!isGranted) budget.deny(what, cure());
  throw new WitError({ tag: isGranted ? 'unavailable' : 'denied' });
}
