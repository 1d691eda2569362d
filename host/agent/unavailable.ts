import { type HostInterface, WitError } from '../engine/linker.ts';

/** Any function of what a single run has not got. */
export const refuse = (): never => {
  throw new WitError({ tag: 'unavailable' });
};

/**
 * What an agent's world promises and a single run has not got: every call answers `unavailable`, the case
 * the contract has for it (wit/bus.wit, wit/context.wit, wit/tools.wit).
 */
export const unavailableInterfaces: Readonly<Record<string, HostInterface>> = {
  'motehost:agent/bus@0.1.0': answering('send', 'publish', 'request', 'subscribe', 'unsubscribe'),
  'motehost:agent/context@0.1.0': answering('get', 'put', 'delete', 'list', 'usage'),
  'motehost:agent/tools@0.1.0': answering('list', 'call'),
};

function answering(...names: string[]): HostInterface {
  return { functions: Object.fromEntries(names.map((name) => [name, refuse])), suspending: new Set() };
}
