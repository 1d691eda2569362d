import type * as http from 'node:http';
import { HostError } from '../errors.ts';
import { agentHeader, ExchangeProxy } from './exchange-proxy.ts';

/** An agent that answers HTTP requests. */
export interface Site {
  readonly agent: string;
  readonly id: number;
  /** Where its thread takes requests. */
  readonly socketPath: string;
}

/** What an answer says of the whole origin, which is the host's and every site's, or says in the host's name. */
const hostHeaders: ReadonlySet<string> = new Set([
  'alt-svc',
  'clear-site-data',
  'nel',
  'public-key-pins',
  'report-to',
  'service-worker-allowed',
  'strict-transport-security',
  'x-request-id',
]);

/** Whether a header is the host's alone: a site's answer goes out without it. */
export function isHostHeader(name: string): boolean {
  return hostHeaders.has(name) || name.startsWith('x-mote-');
}

/** Requests under way in one thread, by the ids of their sites. */
class Load {
  total = 0;
  readonly #ofSites = new Map<number, number>();

  of(site: number): number {
    return this.#ofSites.get(site) ?? 0;
  }

  add(site: number, by: 1 | -1): void {
    const count = this.of(site) + by;
    this.total += by;
    if (count === 0) this.#ofSites.delete(site);
    else this.#ofSites.set(site, count);
  }
}

/**
 * The way of HTTP requests to agents' own sites. A site may have as many under way as its thread has places free:
 * alone it takes half of them, and however many it is sent, another finds room.
 */
export class Sites {
  readonly #proxy: ExchangeProxy;
  readonly #exchangesMax: number;
  readonly #loads = new Map<string, Load>();

  /** `exchangesMax`: requests under way at once to the sites of one thread; each may have an instance. */
  constructor(exchangesMax: number) {
    this.#exchangesMax = exchangesMax;
    this.#proxy = new ExchangeProxy(exchangesMax);
  }

  /**
   * Passes a request on and its answer back, without what is the host's to say. Resolves as `ExchangeProxy.pass`.
   * @throws HostError `HOST_ERR_SITE_BUSY` when it has too many under way; `HOST_ERR_THREAD_LOST`
   */
  async pass(site: Site, request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { id, socketPath } = site;
    const load = this.#loadOf(socketPath);
    if (load.of(id) >= this.#exchangesMax - load.total) throw busy(site, load.of(id));
    load.add(id, 1);
    try {
      await this.#proxy.pass(socketPath, [agentHeader, String(id)], request, response, isHostHeader);
    } finally {
      load.add(id, -1);
    }
  }

  #loadOf(socketPath: string): Load {
    let load = this.#loads.get(socketPath);
    if (load === undefined) {
      load = new Load();
      this.#loads.set(socketPath, load);
    }
    return load;
  }

  /** Ends the connections to a thread that is gone. */
  drop(socketPath: string): void {
    this.#proxy.drop(socketPath);
  }

  close(): void {
    this.#proxy.close();
  }
}

function busy({ agent }: Site, underWay: number): HostError {
  return new HostError(
    'HOST_ERR_SITE_BUSY',
    `${agent} has ${underWay} requests under way, as many as it may have now; ask again when some have ended`,
    { agent, underWay },
  );
}
