import { clientHeader, ExchangeProxy } from '../host/exchange-proxy.ts';
import type { Metric } from '../host/serving.ts';
import { bind, Door } from './door.ts';
import type { Caller } from './front.ts';
import { defaultHttpLimits } from './http-limits.ts';
import type { ThreadDoorSettings } from './listen.ts';

/** The part of the front door that is open in one thread of agents. */
export interface ThreadDoor {
  /** What it answered itself, and what it passed on. */
  metrics(): readonly Metric[];
  close(drainMs: number): Promise<void>;
}

/**
 * Opens the door of a thread of agents: it shares the address with the other threads, answers invocations where
 * the agents are, and passes everything else on to the main thread.
 * @throws HostError `HOST_ERR_LISTEN_FAILED`
 */
export async function openThreadDoor(serving: Caller, settings: ThreadDoorSettings): Promise<ThreadDoor> {
  const { host, port, mainSocketPath } = settings;
  // As many as there may be connections: event streams last, and none may keep others waiting.
  const proxy = new ExchangeProxy(settings.limits?.connectionsMax ?? defaultHttpLimits.connectionsMax);
  const door = new Door(serving, {
    ...settings,
    elsewhere: (request, response) =>
      proxy.pass(mainSocketPath, [clientHeader, request.socket.remoteAddress ?? ''], request, response),
  });
  await bind(door.server(), { host, port, reusePort: true });
  const { traffic, connections, streams } = door.front;
  return {
    metrics: () => traffic.metrics(connections.clients, streams.size),
    close: async (drainMs) => {
      await door.close(drainMs);
      proxy.close();
    },
  };
}
