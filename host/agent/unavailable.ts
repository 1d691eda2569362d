import { type HostInterface, WitError } from '../engine/linker.ts';

/** Any function of what a single run has not got. */
export const refuse = (): never => {
  throw new WitError({ tag: 'unavailable' });
};

const asyncOrchestration = [
  'put',
  'take',
  'acquireLease',
  'awaitSignal',
  'broadcast',
  'askQuorum',
  'askGroup',
  'spawn',
];
const orchestration = [
  ...asyncOrchestration,
  'openChannel',
  'closeChannel',
  'renewLease',
  'releaseLease',
  'signal',
  'joinGroup',
  'leaveGroup',
  'members',
  'neighbours',
  'endChild',
  'children',
];

/** As `unavailableInterfaces`, of `motehost:agent/orchestration`, but for what needs no host. */
export const unavailableOrchestration: HostInterface = answering(...orchestration);

/**
 * What an agent's world promises and a single run has not got: every call answers `unavailable`, the case
 * the contract has for it (wit/bus.wit, wit/orchestration.wit, wit/context.wit, wit/tools.wit).
 */
export const unavailableInterfaces: Readonly<Record<string, HostInterface>> = {
  'motehost:agent/bus@0.1.0': answering('send', 'publish', 'request', 'subscribe', 'unsubscribe'),
  'motehost:agent/async-orchestration@0.1.0': answering(...asyncOrchestration),
  'motehost:agent/ties@0.1.0': answering('link', 'unlink', 'monitor', 'demonitor'),
  'motehost:agent/context@0.1.0': answering('get', 'put', 'delete', 'list', 'usage'),
  'motehost:agent/tools@0.1.0': answering('list', 'call'),
};

function answering(...names: string[]): HostInterface {
  return { functions: Object.fromEntries(names.map((name) => [name, refuse])), suspending: new Set() };
}
