import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { type Decoded, decodeOtlp } from './protobuf.ts';

/** One export as it arrived. */
export interface Arrived {
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly request: Decoded;
}

/** How a collector answers an export. */
export interface CollectorAnswer {
  /** Of HTTP; default 200. */
  readonly status?: number;
  /** Of gRPC; default 0. */
  readonly code?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** It takes the export and says nothing. */
  readonly isSilent?: true;
}

/** A collector on this machine: takes metrics by OTLP, decodes them, and answers as it is told. */
export class Collector {
  readonly arrived: Arrived[] = [];
  readonly #answers: CollectorAnswer[];
  readonly #waiting = new Set<() => void>();
  url = '';

  private constructor(answers: readonly CollectorAnswer[]) {
    this.#answers = [...answers];
  }

  /** Answers in this order, and takes everything after them. */
  static async http(t: TestContext, answers: readonly CollectorAnswer[] = []): Promise<Collector> {
    const collector = new Collector(answers);
    const server = http.createServer(async (request, response) => {
      const body = Buffer.concat(await request.toArray());
      const isJson = request.headers['content-type'] === 'application/json';
      const answer = collector.#take(
        request.url ?? '',
        request.headers,
        isJson ? JSON.parse(body.toString('utf8')) : decodeOtlp(body),
      );
      if (answer.isSilent) return;
      response.writeHead(answer.status ?? 200, answer.headers).end(answer.body ?? (isJson ? '{}' : ''));
    });
    await collector.#listen(t, server);
    t.after(() => server.closeAllConnections());
    return collector;
  }

  static async grpc(t: TestContext, answers: readonly CollectorAnswer[] = []): Promise<Collector> {
    const collector = new Collector(answers);
    const server = http2.createServer();
    const sessions = new Set<http2.ServerHttp2Session>();
    server.on('session', (session) => sessions.add(session));
    server.on('stream', async (stream: http2.ServerHttp2Stream, headers) => {
      stream.on('error', () => {});
      const body = Buffer.concat(await stream.toArray().catch(() => []));
      if (body.length === 0) return;
      const answer = collector.#take(String(headers[':path']), headers, decodeOtlp(body.subarray(5)));
      if (!answer.isSilent && !stream.destroyed) respond(stream, answer);
    });
    await collector.#listen(t, server);
    t.after(() => {
      for (const session of sessions) session.destroy();
    });
    return collector;
  }

  async #listen(t: TestContext, server: http.Server | http2.Http2Server): Promise<void> {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => void server.close());
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  #take(path: string, headers: http.IncomingHttpHeaders, request: Decoded): CollectorAnswer {
    this.arrived.push({ path, headers, request });
    for (const look of this.#waiting) look();
    return this.#answers.shift() ?? {};
  }

  /** Resolves once so many exports have arrived. */
  until(count: number): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.arrived.length < count) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }
}

function respond(
  stream: http2.ServerHttp2Stream,
  { code = 0, headers = {}, body = '' }: CollectorAnswer,
): void {
  const trailers = { 'grpc-status': String(code), ...headers };
  const head = { ':status': 200, 'content-type': 'application/grpc' };
  if (code !== 0) {
    stream.respond({ ...head, ...trailers }, { endStream: true });
    return;
  }
  stream.respond(head, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  const message = Buffer.from(body);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  stream.end(Buffer.concat([prefix, message]));
}
