import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Access, nobody } from './access.ts';
import type { Connection } from './connection.ts';
import type { RouteMeter } from './traffic.ts';

/** One request and its answer to be. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly connection: Connection;
  /** `x-request-id` of the answer. */
  readonly id: string;
  readonly startedMs: number;
  access: Access = nobody;
  meter: RouteMeter | undefined;
  isSettled = false;
  /** The ones begun before and after it, of all that are not settled (`Connections`). */
  before: Exchange | undefined;
  after: Exchange | undefined;

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
