import type { Clock } from '../clock.ts';
import type { HostFunction, HostInterface } from '../engine/linker.ts';

/**
 * `motehost:agent/async-bus`: asking as `bus` does, and waiting. `request` may give a promise with a `cancel`,
 * which is called when the guest gives the request up or ends.
 */
export function asyncBus(request: HostFunction, clock: Clock): HostInterface {
  return {
    functions: { request, waitMs: (ms: number) => wait(clock, ms) },
    suspending: new Set(['request', 'wait-ms']),
  };
}

function wait(clock: Clock, ms: number): Promise<void> {
  const given = new AbortController();
  return Object.assign(clock.sleep(ms, given.signal), { cancel: () => given.abort() });
}
