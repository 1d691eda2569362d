import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Serving, ServingRecord, ThreadDoors } from '../host/serving.ts';
import { bind, Door, type DoorOptions, type DoorSettings, stopListening } from './door.ts';
import { createRouter } from './router.ts';
import type { TokenChange } from './token-store.ts';

export interface ListenOptions extends Omit<DoorOptions, 'elsewhere'> {
  /** Default 8080; 0 takes a free one. */
  readonly port?: number;
}

/** A front door that is open. */
export interface HttpFront {
  /** `http://127.0.0.1:8080` */
  readonly url: string;
  readonly port: number;
  /** Everybody who reaches it may do everything: say so. */
  readonly authOff: boolean;
  /** The contrary. */
  readonly needsToken: boolean;
  /** Takes nothing new, ends streams, lets what runs finish within `drainMs`, then cuts the rest. */
  close(drainMs?: number): Promise<void>;
}

const drainMsDefault = 30_000;
const threadDoor = new URL(
  import.meta.url.endsWith('.ts') ? './thread-door.ts' : './thread-door.js',
  import.meta.url,
);

/**
 * Opens the front door of a serving host.
 * @throws HostError `HOST_ERR_LISTEN_FAILED` when the address cannot be had, or reaches beyond this machine without
 * tokens
 */
export async function listen(serving: Serving, options: ListenOptions = {}): Promise<HttpFront> {
  const { host = '127.0.0.1', port = 8080 } = options;
  // Each thread of agents takes connections and answers invocations itself, and this one answers everything else.
  const { doors } = serving;
  const { record } = serving;
  const door = new Door(serving, { ...options, onTokens: (change) => record && tellTokens(record, change) });
  const server = door.server();
  const app = await routed(door, server);
  try {
    const taken = await take(server, host, port, doors !== undefined);
    if (doors !== undefined) {
      await bind(door.server(), { path: doors.socketPath });
      await doors.open(threadDoor.href, settingsOf(options, host, taken, doors.socketPath));
      stopListening(server);
    }
    return opened(door, app, doors, host, taken);
  } catch (thrown) {
    await door.close(0);
    throw thrown;
  }
}

function tellTokens(record: ServingRecord, { created, revoked }: TokenChange): void {
  for (const { name } of revoked) record.tokenRevoked(name);
  for (const { name, may } of created) record.tokenCreated(name, may);
}

/** An address that threads share would be shared with another host as well, unless it is nobody's before. */
async function take(server: Server, host: string, port: number, isShared: boolean): Promise<number> {
  if (!isShared) {
    await bind(server, { host, port, reusePort: false });
    return (server.address() as AddressInfo).port;
  }
  const claim = createServer();
  await bind(claim, { host, port, reusePort: false });
  const taken = (claim.address() as AddressInfo).port;
  await new Promise((resolve) => claim.close(resolve));
  await bind(server, { host, port: taken, reusePort: true });
  return taken;
}

async function routed(door: Door<Serving>, server: Server): Promise<FastifyInstance> {
  const { front, reception } = door;
  const app = createRouter(
    front,
    (request) => reception.exchangeOf(request),
    (route) => {
      reception.routeBy(route);
      return server;
    },
  );
  await app.ready();
  return app;
}

/** What a thread has to know to open its own door. */
export interface ThreadDoorSettings extends DoorSettings {
  readonly host: string;
  readonly port: number;
  /** Where the main thread takes what is not for the thread. */
  readonly mainSocketPath: string;
}

function settingsOf(
  { stateFolder, auth, hostNames, corsOrigins, limits }: ListenOptions,
  host: string,
  port: number,
  mainSocketPath: string,
): ThreadDoorSettings {
  return {
    host,
    port,
    mainSocketPath,
    ...(stateFolder === undefined ? {} : { stateFolder }),
    ...(auth === undefined ? {} : { auth }),
    ...(hostNames === undefined ? {} : { hostNames }),
    ...(corsOrigins === undefined ? {} : { corsOrigins }),
    ...(limits === undefined ? {} : { limits }),
  };
}

function opened(
  door: Door<Serving>,
  app: FastifyInstance,
  doors: ThreadDoors | undefined,
  host: string,
  port: number,
): HttpFront {
  const needsToken = door.tokens?.isRequired(door.front.clock.monotonicMs()) === true;
  let closed: Promise<void> | undefined;
  const close = async (drainMs: number): Promise<void> => {
    await Promise.all([door.close(drainMs), doors?.close(drainMs)]);
    await app.close();
  };
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    authOff: !needsToken,
    needsToken,
    close: (drainMs = drainMsDefault) => {
      closed ??= close(drainMs);
      return closed;
    },
  };
}
