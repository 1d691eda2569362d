import type { Clock } from '../clock.ts';
import { type BusGuest, requestAs } from './guest-api.ts';
import type { Payload } from './message.ts';

/** What a guest asked for and may give up while it waits. */
type Cancellable<T> = Promise<T> & { cancel(): void };

/** The functions of `motehost:agent/async-bus@0.1.0` (wit/async-bus.wit). */
export interface AsyncBusGuestApi {
  readonly functions: AsyncBusFunctions;
  readonly suspending: ReadonlySet<string>;
}

export interface AsyncBusFunctions extends Record<string, (...args: never[]) => unknown> {
  request(subject: string, payload: Payload, timeoutMs: number): Cancellable<Payload>;
  waitMs(ms: number): Cancellable<void>;
}

const suspending: ReadonlySet<string> = new Set(['request', 'wait-ms']);

/** The bus for an agent that waits for several things at once: grants, limits and errors are those of `busGuestApi`. */
export function asyncBusGuestApi(guest: BusGuest, clock: Clock): AsyncBusGuestApi {
  const functions: AsyncBusFunctions = {
    request: (subject, payload, timeoutMs) =>
      cancellable((signal) => requestAs(guest, subject, payload, timeoutMs, signal)),
    waitMs: (ms) => cancellable((signal) => clock.sleep(ms, signal)),
  };
  return { functions, suspending };
}

function cancellable<T>(act: (signal: AbortSignal) => Promise<T>): Cancellable<T> {
  const controller = new AbortController();
  return Object.assign(act(controller.signal), { cancel: () => controller.abort() });
}
