import http2 from 'node:http2';
import type { OtlpRequest } from './otlp-model.ts';
import { otlpProtobuf } from './otlp-protobuf.ts';
import {
  answerBytesMax,
  type OtlpAnswer,
  type OtlpTarget,
  type OtlpTransport,
  refused,
  takenOf,
  unreached,
} from './otlp-transport.ts';
import { fieldsOf, messageIn, numberIn, textIn } from './protobuf-reader.ts';

const method = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export';
const prefixBytes = 5;
/** Status codes of gRPC after which OTLP says that the same may be sent again. */
const retryable: ReadonlySet<number> = new Set([1, 4, 10, 11, 14, 15]);
const resourceExhausted = 8;

interface Answer {
  /** Head and trailers, the latter winning. */
  readonly head: http2.IncomingHttpHeaders;
  readonly body: Buffer;
}

/** OTLP over gRPC: one unary call on a connection of its own. `http:` is HTTP/2 without TLS. */
export class OtlpGrpc implements OtlpTransport {
  readonly #target: OtlpTarget;

  constructor(target: OtlpTarget) {
    this.#target = target;
  }

  async send(request: OtlpRequest, signal: AbortSignal, leftMs: number): Promise<OtlpAnswer> {
    const session = http2.connect(this.#target.url.origin);
    try {
      return judge(await this.#call(session, otlpProtobuf(request), signal, leftMs));
    } catch (cause) {
      return unreached(cause, signal);
    } finally {
      session.destroy();
    }
  }

  #call(
    session: http2.ClientHttp2Session,
    message: Uint8Array,
    signal: AbortSignal,
    leftMs: number,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      session.on('error', reject);
      const stream = session.request(
        {
          ...this.#target.headers,
          ':method': 'POST',
          ':path': method,
          'content-type': 'application/grpc',
          te: 'trailers',
          'grpc-timeout': `${Math.max(1, Math.ceil(leftMs))}m`,
        },
        { signal },
      );
      let head: http2.IncomingHttpHeaders = {};
      const chunks: Buffer[] = [];
      let bytes = 0;
      stream.on('response', (own) => {
        head = own;
      });
      stream.on('trailers', (own) => {
        head = { ...head, ...own };
      });
      stream.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes <= answerBytesMax) chunks.push(chunk);
      });
      stream.on('end', () => resolve({ head, body: Buffer.concat(chunks) }));
      stream.on('error', reject);
      stream.on('close', () => reject(new Error('the call was broken off')));
      stream.end(framed(message));
    });
  }
}

/** Not compressed, and its length. */
function framed(message: Uint8Array): Buffer {
  const bytes = Buffer.alloc(prefixBytes + message.length);
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, prefixBytes);
  return bytes;
}

function judge({ head, body }: Answer): OtlpAnswer {
  const http = Number(head[':status'] ?? 0);
  const status = head['grpc-status'];
  if (typeof status !== 'string') return refused(`HTTP status ${http} without grpc-status`, http === 503);
  const code = Number(status);
  if (code === 0) return takenOf(body.subarray(prefixBytes));
  const delayMs = retryDelayMs(head['grpc-status-details-bin']);
  const isRetryable = retryable.has(code) || (code === resourceExhausted && delayMs !== undefined);
  return refused(`gRPC status ${code}${textOf(head['grpc-message'])}`, isRetryable, delayMs);
}

function textOf(message: string | string[] | undefined): string {
  if (typeof message !== 'string' || message === '') return '';
  try {
    return `: ${decodeURIComponent(message)}`;
  } catch {
    return `: ${message}`;
  }
}

/** `google.rpc.RetryInfo` among the details of a `google.rpc.Status`. */
function retryDelayMs(details: string | string[] | undefined): number | undefined {
  if (typeof details !== 'string') return undefined;
  for (const detail of fieldsOf(Buffer.from(details, 'base64')).get(3) ?? []) {
    const any = detail instanceof Uint8Array ? fieldsOf(detail) : new Map();
    if (!textIn(any, 1).endsWith('/google.rpc.RetryInfo')) continue;
    const delay = messageIn(messageIn(any, 2), 1);
    return numberIn(delay, 1) * 1000 + numberIn(delay, 2) / 1e6;
  }
  return undefined;
}
