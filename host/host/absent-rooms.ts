import type { Capabilities } from '../capability/capabilities.ts';
import { type HostInterface, WitError } from '../engine/linker.ts';

/**
 * What the agent's world promises and this host has not got: without a grant `denied`, as anywhere; with one
 * `unavailable` (wit/context.wit, wit/tools.wit). There are no tools, so every list of them is empty.
 */
export function absentRooms(
  rights: () => Capabilities,
  denied: (what: string, cure: string) => void,
): Readonly<Record<string, HostInterface>> {
  const answer = (isGranted: boolean, what: string, cure: () => string): never => {
    if (!isGranted) denied(what, cure());
    throw new WitError({ tag: isGranted ? 'unavailable' : 'denied' });
  };
  const context = (name: string) => (): never =>
    answer(rights().mayUseContext(), `context ${name}`, () => rights().cure('context', name));
  const names = ['get', 'put', 'delete', 'list', 'usage'];
  return {
    'motehost:agent/context@0.1.0': {
      functions: Object.fromEntries(names.map((name) => [name, context(name)])),
      suspending: new Set(),
    },
    'motehost:agent/tools@0.1.0': {
      functions: {
        list: () => [],
        call: (tool: string) =>
          answer(rights().mayCall(tool), `tool ${tool}`, () => rights().cure('tool', tool)),
      },
      suspending: new Set(),
    },
  };
}
