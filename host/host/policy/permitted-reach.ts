import { realpathSync } from 'node:fs';
import type { Spec } from '../../agent/spec.ts';
import type {
  FileGate,
  HttpAsked,
  HttpGate,
  NetGate,
  Preopen,
  WasiGrants,
} from '../../engine/wasi/grants.ts';
import type { EntityRef } from '../../policy/entity.ts';
import type { EffectiveRights } from './effective-rights.ts';

/** What `wasi:*` gives an agent, as far as the policies permit it: now, and at every use. */
export function permittedReach(
  wasi: WasiGrants,
  { manifest }: Pick<Spec, 'manifest'>,
  rights: EffectiveRights,
): WasiGrants {
  const secrets = new Map(
    manifest.grants.environment.flatMap((one) => (one.kind === 'text' ? [] : [[one.name, one.secret]])),
  );
  return {
    ...wasi,
    env: wasi.env.filter(([name]) => isUsable(secrets.get(name), rights)),
    preopens: wasi.preopens.map((preopen) => ({ ...preopen, gate: fileGate(preopen, rights) })),
    netGate: netGate(rights),
    ...(wasi.http && { http: httpGate(wasi.http, rights) }),
  };
}

function isUsable(secret: string | undefined, rights: EffectiveRights): boolean {
  if (secret === undefined) return true;
  return rights.may(
    'secret.use',
    { kind: 'Secret', id: secret },
    {},
    { isReading: true },
    `the secret ${secret}`,
  );
}

/** Policies speak of files by where they really are, whatever links lead to the granted folder. */
function fileGate({ hostPath, guestPath }: Preopen, rights: EffectiveRights): FileGate {
  const real = realPath(hostPath);
  const below = (path: string): string => path.slice(hostPath.length);
  const fileOf = (path: string): EntityRef => ({ kind: 'Data', id: `file:${real}${below(path)}` });
  return {
    mayRead: (path) =>
      rights.may('file.read', fileOf(path), {}, { isReading: true }, `reading ${guestPath}${below(path)}`),
    mayWrite: (path, bytes) =>
      rights.may('file.write', fileOf(path), { bytes }, {}, `writing ${guestPath}${below(path)}`),
  };
}

/** As it is named where there is nothing: then there is nothing to open either. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function netGate(rights: EffectiveRights): NetGate {
  return {
    mayConnect: (host, port) =>
      rights.may('socket.connect', hostOf(host, port), {}, {}, `connecting to ${host}:${port}`),
    watch: (host, port, end) => {
      const request = rights.request('socket.connect', hostOf(host, port));
      return rights.onChange(() => void (rights.ended(request) === undefined || end()));
    },
  };
}

function httpGate(gate: HttpGate, rights: EffectiveRights): HttpGate {
  const contextOf = ({ method, path, scheme }: HttpAsked) => ({ method, path, scheme });
  const words = ({ method, scheme, host, port, path }: HttpAsked): string =>
    `a request ${method} ${scheme}://${host}:${port}${path}`;
  return {
    mayRequest: (asked) => gate.mayRequest(asked),
    cure: (asked) => gate.cure(asked),
    permits: (asked) =>
      rights.may('http.request', hostOf(asked.host, asked.port), contextOf(asked), {}, words(asked)),
    watch: (asked, end) => {
      const request = rights.request('http.request', hostOf(asked.host, asked.port), contextOf(asked));
      return rights.onChange(() => void (rights.ended(request) === undefined || end()));
    },
  };
}

function hostOf(host: string, port: number): EntityRef {
  return { kind: 'Host', id: `${host.includes(':') ? `[${host}]` : host}:${port}` };
}
