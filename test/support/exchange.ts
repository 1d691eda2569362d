import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Artifact, Host, RunResult } from '../../host/host.ts';
import { defaultLimits, type Limits } from '../../host/limits.ts';
import { noGrants } from '../engine/wasi/preview2/grants.ts';

export interface Exchanged {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly result: RunResult;
}

/** Asks a server once that hands each request to a guest. */
export async function exchange(
  host: Host,
  artifact: Artifact,
  path: string,
  init: RequestInit = {},
  limits: Partial<Limits> = {},
): Promise<Exchanged> {
  const { promise, resolve, reject } = Promise.withResolvers<RunResult>();
  const server = createServer((request, response) => {
    const call = { kind: 'http', request, response } as const;
    host
      .run({ artifact, call, grants: noGrants, limits: { ...defaultLimits, ...limits } })
      .then(resolve, reject);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
    const { status, headers } = response;
    return { status, headers, text: await response.text(), result: await promise };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
