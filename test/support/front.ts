import { once } from 'node:events';
import * as http from 'node:http';
import * as net from 'node:net';
import type { TestContext } from 'node:test';
import { type HttpFront, type ListenOptions, listen } from '../../host/http/listen.ts';
import { MemoryServing } from './memory-serving.ts';

export interface Opened {
  readonly front: HttpFront;
  readonly serving: MemoryServing;
}

/** A front door on a free port for one test, closed after it. */
export async function open(test: TestContext, options: ListenOptions = {}): Promise<Opened> {
  const serving = new MemoryServing();
  const front = await listen(serving, { port: 0, ...options });
  test.after(() => front.close(0));
  return { front, serving };
}

export interface Asked {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly text: string;
  /** The answer as JSON. */
  readonly json: Record<string, unknown>;
}

export interface Asking {
  readonly method?: string;
  readonly headers?: http.OutgoingHttpHeaders;
  readonly body?: string | Uint8Array;
  readonly agent?: http.Agent;
}

/** One request; unlike `fetch` it lets every header be set. */
export async function ask(front: HttpFront, path: string, asking: Asking = {}): Promise<Asked> {
  const { headers = {}, body, agent } = asking;
  const method = asking.method ?? (body === undefined ? 'GET' : 'POST');
  const options = { host: '127.0.0.1', port: front.port, path, method, headers, agent: agent ?? false };
  const request = http.request(options);
  request.end(body);
  const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const text = bytes.toString();
  const isJson = /[/+]json$/.test(answer.headers['content-type'] ?? '') && text !== '';
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    bytes,
    text,
    json: isJson ? (JSON.parse(text) as Record<string, unknown>) : {},
  };
}

/** Sends bytes as they are and reads until the server closes. */
export async function raw(front: HttpFront, text: string): Promise<string> {
  const socket = net.connect(front.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(text);
  return ended(socket);
}

/** What comes until the other side closes. */
export async function ended(socket: net.Socket): Promise<string> {
  let text = '';
  socket.setEncoding('latin1');
  socket.on('error', () => undefined);
  socket.on('data', (chunk: string) => {
    text += chunk;
  });
  if (!socket.closed) await once(socket, 'close');
  return text;
}

/** An event stream that is read event by event. */
export class EventReader {
  readonly answer: http.IncomingMessage;
  readonly #request: http.ClientRequest;
  #text = '';
  #wake: (() => void) | undefined;
  isEnded = false;

  private constructor(request: http.ClientRequest, answer: http.IncomingMessage) {
    this.#request = request;
    this.answer = answer;
    answer.setEncoding('utf8');
    answer.on('data', (chunk: string) => {
      this.#text += chunk;
      this.#wake?.();
    });
    answer.on('error', () => undefined);
    answer.on('close', () => {
      this.isEnded = true;
      this.#wake?.();
    });
  }

  static async open(
    front: HttpFront,
    path: string,
    headers: http.OutgoingHttpHeaders = {},
  ): Promise<EventReader> {
    const request = http.get({ host: '127.0.0.1', port: front.port, path, headers, agent: false });
    request.on('error', () => undefined);
    const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
    const reader = new EventReader(request, answer);
    await reader.next();
    return reader;
  }

  /** The next event or comment, without its last line end; undefined once the stream is over. */
  async next(): Promise<string | undefined> {
    for (;;) {
      const end = this.#text.indexOf('\n\n');
      if (end >= 0) {
        const event = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return event;
      }
      if (this.isEnded) return undefined;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }

  /** Goes away as a client does that was ended. */
  leave(): void {
    this.#request.destroy();
  }
}
