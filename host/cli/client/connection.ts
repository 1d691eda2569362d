import { readFileSync } from 'node:fs';
import { type ClientRequest, request as requestHttp } from 'node:http';
import { HostError } from '../../errors.ts';
import { systemFault } from '../../system-fault.ts';
import { type Answer, bytesOf } from './answer.ts';
import { isProblem, problemError, problemOf } from './problem.ts';

/** Flags of every command that talks to a host that serves. */
export const connectionOptions = {
  url: { type: 'string' },
  'token-file': { type: 'string' },
} as const;

export const connectionHelp = `
Where it is
  --url URL           the host that serves      [http://127.0.0.1:8080, or HOST_URL]
  --token-file FILE   file with a bearer token  [HOST_TOKEN holds one itself]
`;

interface ConnectionFlags {
  readonly url?: string | undefined;
  readonly 'token-file'?: string | undefined;
}

export interface Question {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** From the root, with its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** How long nothing may come. */
  readonly silenceMsMax?: number;
  readonly signal?: AbortSignal;
}

const defaultUrl = 'http://127.0.0.1:8080';
const silenceMsDefault = 30_000;
/** What a control answer may take; a page of agents is some hundred KiB. */
const jsonBytesMax = 64 * 1024 * 1024;
const tokenBytesMax = 4096;

/** A host that serves, as a client command reaches it. */
export class Connection {
  readonly url: URL;
  readonly #token: string | undefined;

  constructor(url: URL, token: string | undefined) {
    this.url = url;
    this.#token = token;
  }

  /** As flags and environment say. @throws HostError for what is no URL, and for a token file that cannot be read */
  static of(flags: ConnectionFlags, env: Readonly<Record<string, string | undefined>>): Connection {
    const source = flags.url === undefined && env.HOST_URL !== undefined ? 'HOST_URL' : '--url';
    const url = urlOf(flags.url ?? env.HOST_URL ?? defaultUrl, source);
    return new Connection(url, tokenOf(flags['token-file'], env.HOST_TOKEN));
  }

  /**
   * Asks, whatever the answer's status.
   * @throws HostError `HOST_ERR_SERVER_UNREACHABLE`; the signal's reason when it aborts
   */
  async ask(question: Question): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const silenceMsMax = question.silenceMsMax ?? silenceMsDefault;
    const request = await this.#open(question);
    request.on('response', (answer) => {
      // Also while the body is read, to whose reader it comes as an error of the stream.
      request.on('error', (cause) => answer.destroy(this.#unreachable(cause)));
      resolve(answer);
    });
    request.on('error', (cause) =>
      reject(question.signal?.aborted ? question.signal.reason : this.#unreachable(cause)),
    );
    request.setTimeout(silenceMsMax, () =>
      request.destroy(new Error(`it was silent for ${silenceMsMax / 1000} s`)),
    );
    request.end(question.body);
    return promise;
  }

  /** Asks, and takes only a success. @throws HostError what the server said was wrong; as `ask` */
  async get(question: Question): Promise<Answer> {
    const answer = await this.ask(question);
    if (isProblem(answer)) throw problemError(await problemOf(answer, this.url), this.url);
    return answer;
  }

  /** A small answer as JSON, undefined for none. @throws HostError as `get` */
  async json(method: Question['method'], path: string, question: Partial<Question> = {}): Promise<unknown> {
    const bytes = await bytesOf(await this.get({ ...question, method, path }), jsonBytesMax);
    if (bytes.length === 0) return undefined;
    try {
      return JSON.parse(bytes.toString('utf8'));
    } catch (cause) {
      throw new HostError(
        'HOST_ERR_SERVER_UNREACHABLE',
        `${this.url.origin} does not answer as host serve does`,
        {},
        cause,
      );
    }
  }

  async #open({ method, path, headers, body, signal }: Question): Promise<ClientRequest> {
    const base = this.url.pathname.replace(/\/$/, '');
    const length = body === undefined ? {} : { 'content-length': String(body.length) };
    const authorization = this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` };
    const request = this.url.protocol === 'https:' ? (await import('node:https')).request : requestHttp;
    return request({
      protocol: this.url.protocol,
      hostname: this.url.hostname.replace(/^\[|\]$/g, ''),
      port: this.url.port,
      method,
      path: base + path,
      headers: { accept: 'application/json', ...headers, ...length, ...authorization },
      ...(signal === undefined ? {} : { signal }),
    });
  }

  #unreachable(cause: Error): HostError {
    if (cause instanceof HostError) return cause;
    const code = 'code' in cause ? String(cause.code) : '';
    const { origin } = this.url;
    const [nobody, else_] = [`nothing listens at ${origin}`, `${origin}: ${cause.message || code}`];
    return new HostError(
      'HOST_ERR_SERVER_UNREACHABLE',
      code === 'ECONNREFUSED'
        ? `${nobody}; start a host with: host serve FOLDER, or say where it is with --url or HOST_URL`
        : `${else_}; is this where a host serves? Say where with --url or HOST_URL`,
      { url: origin },
      cause,
    );
  }
}

function urlOf(text: string, source: string): URL {
  const url = URL.parse(/^[a-z]+:\/\//i.test(text) ? text : `http://${text}`);
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:') && url.username === '')
    return url;
  throw new HostError('HOST_ERR_CLI_USAGE', `${source}: '${text}' is not a URL such as ${defaultUrl}`, {
    source,
    text,
  });
}

function tokenOf(file: string | undefined, own: string | undefined): string | undefined {
  if (file === undefined) return own === undefined || own === '' ? undefined : tokenIn(own, 'HOST_TOKEN');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new HostError(
      'HOST_ERR_FILE_NOT_FOUND',
      `--token-file: cannot read ${file}: ${systemFault(cause)}`,
      { path: file },
      cause,
    );
  }
  return tokenIn(text, `--token-file ${file}`);
}

/** What goes into a header must not have line ends in it. The token itself is in no error. */
function tokenIn(text: string, source: string): string {
  const token = text.trim();
  if (/^[\x21-\x7e]+$/.test(token) && token.length <= tokenBytesMax) return token;
  throw new HostError(
    'HOST_ERR_TOKEN_INVALID',
    `${source} does not hold a token: one word of letters, digits and signs, as host token create prints it`,
  );
}
