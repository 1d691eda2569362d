import http from 'node:http';
import https from 'node:https';
import { otlpJson } from './otlp-json.ts';
import type { OtlpRequest } from './otlp-model.ts';
import { otlpProtobuf } from './otlp-protobuf.ts';
import {
  answerBytesMax,
  type OtlpAnswer,
  type OtlpTarget,
  type OtlpTransport,
  refused,
  takenOf,
  takenOfJson,
  unreached,
} from './otlp-transport.ts';

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: Buffer;
}

/** Statuses after which OTLP/HTTP says that the same may be sent again. */
const retryable: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** OTLP over HTTP/1.1, in protobuf or in JSON; one connection for each export. Redirections are not followed. */
export class OtlpHttp implements OtlpTransport {
  readonly #target: OtlpTarget;
  readonly #isJson: boolean;

  constructor(target: OtlpTarget, isJson: boolean) {
    this.#target = target;
    this.#isJson = isJson;
  }

  async send(request: OtlpRequest, signal: AbortSignal): Promise<OtlpAnswer> {
    const body = this.#isJson ? Buffer.from(otlpJson(request)) : otlpProtobuf(request);
    try {
      return this.#judge(await this.#post(body, signal));
    } catch (cause) {
      return unreached(cause, signal);
    }
  }

  #judge({ status, retryAfter, body }: Answer): OtlpAnswer {
    if (status >= 200 && status < 300)
      return this.#isJson ? takenOfJson(body.toString('utf8')) : takenOf(body);
    return refused(`HTTP status ${status}`, retryable.has(status), retryAfterMs(retryAfter));
  }

  #post(body: Uint8Array, signal: AbortSignal): Promise<Answer> {
    const { url, headers } = this.#target;
    const { request } = url.protocol === 'https:' ? https : http;
    return new Promise((resolve, reject) => {
      const asked = request(
        url,
        {
          method: 'POST',
          agent: false,
          signal,
          headers: {
            ...headers,
            'content-type': this.#isJson ? 'application/json' : 'application/x-protobuf',
            'content-length': body.length,
          },
        },
        (answer) => void readAll(answer).then(resolve, reject),
      );
      asked.on('error', reject);
      asked.end(body);
    });
  }
}

async function readAll(answer: http.IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > answerBytesMax) break;
    chunks.push(chunk);
  }
  const { statusCode: status = 0, headers } = answer;
  return { status, retryAfter: headers['retry-after'], body: Buffer.concat(chunks) };
}

/** `Retry-After` in seconds; the form with a date is taken as not said. */
function retryAfterMs(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) * 1000 : undefined;
}
