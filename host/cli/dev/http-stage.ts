import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HostError, plainText } from '../../errors.ts';
import { formatOutcome, formatUsage } from '../report.ts';
import { noInput } from '../stdio.ts';
import type { Stage, StageOptions, Version } from './stage.ts';

/** Requests under way at once; each has an instance of its own. */
const requestsMax = 64;
const headerBytesMax = 65_536;
const urlCharsShown = 200;

/**
 * Serves HTTP on 127.0.0.1, each request in an instance of its own with the limits of the version that was there
 * when it came. A new version takes the next request; those under way end on the old one.
 */
export class HttpStage implements Stage {
  readonly #options: StageOptions;
  readonly #server: Server;
  readonly #underWay = new Set<Promise<void>>();
  readonly #end = new AbortController();
  #version: Version | undefined;

  constructor(options: StageOptions) {
    this.#options = options;
    this.#server = createServer({ maxHeaderSize: headerBytesMax }, (request, response) => {
      const served = this.#serve(request, response).finally(() => this.#underWay.delete(served));
      this.#underWay.add(served);
    });
  }

  async swap(version: Version): Promise<boolean> {
    const { say } = this.#options;
    if (this.#version === undefined) say(`host: serving http://127.0.0.1:${await this.#listen()}/\n`);
    else say(`host: version ${version.number} takes the next request\n`);
    this.#version = version;
    return true;
  }

  /** Nobody waits for those under way. */
  async close(): Promise<void> {
    this.#server.close();
    this.#end.abort('host dev ends');
    await Promise.all(this.#underWay);
    this.#server.closeAllConnections();
  }

  /** @throws HostError `HOST_ERR_CLI_USAGE` for a port that somebody else has */
  async #listen(): Promise<number> {
    const { port } = this.#options;
    this.#server.listen(port, '127.0.0.1');
    try {
      await once(this.#server, 'listening');
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new HostError(
        'HOST_ERR_CLI_USAGE',
        `cannot serve on port ${port}: ${reason}; choose another with --port, or 0 for any`,
        { port },
        cause,
      );
    }
    return (this.#server.address() as AddressInfo).port;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const version = this.#version;
    if (version === undefined || this.#underWay.size >= requestsMax) return refuse(response);
    const gone = new AbortController();
    response.on('close', () => {
      if (!response.writableFinished) gone.abort('the client went away');
    });
    const { artifact, effective, grants } = version;
    const what = `${request.method} ${(request.url ?? '').slice(0, urlCharsShown)}`;
    try {
      const { outcome, denials } = await this.#options.host.run({
        artifact,
        call: { kind: 'http', request, response },
        grants: { ...grants, stdin: noInput },
        limits: effective.limits,
        signal: AbortSignal.any([gone.signal, this.#end.signal]),
      });
      const isWell = outcome.kind === 'ok';
      const end = isWell
        ? `host: ${formatUsage(outcome.usage)}\n`
        : formatOutcome(outcome, effective, denials);
      this.#options.say(end.replace('host: ', () => `host: ${plainText(what)} ${response.statusCode} · `));
    } catch (thrown) {
      if (!response.headersSent) response.statusCode = 500;
      this.#options.say(
        `host: ${plainText(what)}: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`,
      );
    } finally {
      // What the guest did not end nobody else will.
      if (!response.writableEnded) response.headersSent ? response.destroy() : response.end();
    }
  }
}

function refuse(response: ServerResponse): void {
  response.writeHead(503, { 'retry-after': '1' });
  response.end();
}
