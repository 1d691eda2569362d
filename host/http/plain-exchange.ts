import { STATUS_CODES } from 'node:http';
import { type Access, nobody } from './access.ts';
import type { Connection } from './connection.ts';
import type { Asked, Outlet } from './exchange.ts';
import type { PlainHead } from './plain-head.ts';
import type { RouteMeter } from './traffic.ts';

/** The connection's side of an answer. */
export interface PlainEnd {
  /** Header lines that every answer has while the connection goes on. */
  readonly goesOn: string;
  /** As `goesOn`, when it ends with the answer. */
  readonly endsHere: string;
  /** The answer is with the socket. */
  answered(goesOn: boolean): void;
}

/** What no header value may have: it would begin another line. */
const notAValue = /[^\t\x20-\x7e\x80-\xff]/;

const statusLines = new Map<number, string>();

function statusLine(status: number): string {
  const known = statusLines.get(status);
  if (known !== undefined) return known;
  const line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}\r\n`;
  statusLines.set(status, line);
  return line;
}

/** A plain request and its answer, which goes out in as few writes as it takes. */
export class PlainExchange implements Asked, Outlet {
  readonly request: PlainHead;
  readonly connection: Connection;
  readonly id: string;
  readonly startedMs: number;
  access: Access = nobody;
  meter: RouteMeter | undefined;
  isSettled = false;
  before: Asked | undefined;
  after: Asked | undefined;
  shouldKeepAlive = true;
  headersSent = false;
  readonly #end: PlainEnd;
  #head = '';
  #onClose: (() => void) | undefined;

  constructor(request: PlainHead, connection: Connection, id: string, startedMs: number, end: PlainEnd) {
    this.request = request;
    this.connection = connection;
    this.id = id;
    this.startedMs = startedMs;
    this.#end = end;
  }

  get response(): Outlet {
    return this;
  }

  get destroyed(): boolean {
    return this.connection.socket.destroyed;
  }

  writeHead(status: number, head: string[]): void {
    let text = statusLine(status);
    for (let at = 0; at < head.length; at += 2) {
      const name = head[at] as string;
      const value = head[at + 1] as string;
      if (notAValue.test(value)) throw new Error(`bug: the value of '${name}' is none for a header`);
      if (name === 'connection') this.shouldKeepAlive = false;
      else text += `${name}: ${value}\r\n`;
    }
    this.#head = text + (this.shouldKeepAlive ? this.#end.goesOn : this.#end.endsHere);
    this.headersSent = true;
  }

  write(piece: Uint8Array): boolean {
    const { socket } = this.connection;
    if (this.#head !== '') socket.write(this.#takeHead(), 'latin1');
    return socket.write(piece);
  }

  end(body?: string | Uint8Array, encoding?: 'latin1'): void {
    const { socket } = this.connection;
    if (this.#onClose !== undefined) socket.off('close', this.#onClose);
    if (body === undefined) {
      if (this.#head !== '') socket.write(this.#takeHead(), 'latin1');
    } else if (encoding === 'latin1') socket.write(this.#takeHead() + body, 'latin1');
    else {
      socket.cork();
      if (this.#head !== '') socket.write(this.#takeHead(), 'latin1');
      socket.write(body);
      socket.uncork();
    }
    this.#end.answered(this.shouldKeepAlive);
  }

  #takeHead(): string {
    const head = this.#head;
    this.#head = '';
    return head;
  }

  on(event: 'drain' | 'close', listener: () => void): void {
    if (event === 'close') this.#onClose = listener;
    this.connection.socket.on(event, listener);
  }

  off(event: 'drain', listener: () => void): void {
    this.connection.socket.off(event, listener);
  }

  destroy(): void {
    this.connection.socket.destroy();
  }
}
