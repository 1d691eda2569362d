import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Access, nobody } from './access.ts';
import type { Connection } from './connection.ts';
import type { RouteMeter } from './traffic.ts';

/** What is decided by: a request's head, as `IncomingMessage` has it. */
export type Head = Pick<
  IncomingMessage,
  'complete' | 'headers' | 'httpVersionMinor' | 'method' | 'rawHeaders' | 'url'
>;

/** Where an answer goes, as `ServerResponse` has it. */
export interface Outlet {
  readonly headersSent: boolean;
  readonly destroyed: boolean;
  shouldKeepAlive: boolean;
  /** `head`: name, value, name, value, … */
  writeHead(status: number, head: string[]): unknown;
  /** False: the client is to take some first, and then there is a `drain`. */
  write(piece: Uint8Array): boolean;
  end(body?: string | Uint8Array): unknown;
  end(body: string, encoding: 'latin1'): unknown;
  on(event: 'drain' | 'close', listener: () => void): unknown;
  off(event: 'drain', listener: () => void): unknown;
  destroy(): unknown;
}

/** One request and its answer to be, however it came. */
export interface Asked {
  readonly request: Head;
  readonly response: Outlet;
  readonly connection: Connection;
  /** `x-request-id` of the answer. */
  readonly id: string;
  readonly startedMs: number;
  access: Access;
  meter: RouteMeter | undefined;
  isSettled: boolean;
  /** The ones begun before and after it, of all that are not settled (`Connections`). */
  before: Asked | undefined;
  after: Asked | undefined;
}

/** One request that Node's own server has read. */
export class Exchange implements Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly connection: Connection;
  readonly id: string;
  readonly startedMs: number;
  access: Access = nobody;
  meter: RouteMeter | undefined;
  isSettled = false;
  before: Asked | undefined;
  after: Asked | undefined;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    connection: Connection,
    id: string,
    startedMs: number,
  ) {
    this.request = request;
    this.response = response;
    this.connection = connection;
    this.id = id;
    this.startedMs = startedMs;
  }
}
