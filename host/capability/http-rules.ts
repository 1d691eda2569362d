import { hostName } from '../manifest/host-name.ts';
import type { HttpGrant } from '../manifest.ts';
import { isUnder, requestPath } from './request-path.ts';

/** One request an agent wants to make. */
export interface HttpTarget {
  /** `http` or `https`, in any case. */
  readonly scheme: string;
  /** A name or address without user name and port. */
  readonly host: string;
  readonly port: number;
  readonly method: string;
  /** Path and query, as they go out. */
  readonly path: string;
}

const methodPattern = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/;

/** Granted requests, found by host. */
export class HttpRules {
  readonly #byHost = new Map<string, HttpGrant[]>();

  constructor(grants: readonly HttpGrant[]) {
    for (const grant of grants) {
      const beside = this.#byHost.get(grant.host);
      if (beside === undefined) this.#byHost.set(grant.host, [grant]);
      else beside.push(grant);
    }
  }

  allows(target: HttpTarget): boolean {
    if (this.#byHost.size === 0) return false;
    const host = hostName(target.host);
    const path = requestPath(target.path);
    if (host === undefined || path === undefined || !methodPattern.test(target.method)) return false;
    const scheme = target.scheme.toLowerCase();
    return hostForms(host).some((form) =>
      this.#byHost
        .get(form)
        ?.some(
          (grant) =>
            grant.scheme === scheme &&
            grant.port === target.port &&
            hasMethod(grant.methods, target.method) &&
            isUnder(path, grant.path),
        ),
    );
  }
}

/** A tunnel is no request to the host: it is granted only by its name. */
function hasMethod(methods: readonly string[] | undefined, method: string): boolean {
  return methods === undefined ? method.toUpperCase() !== 'CONNECT' : methods.includes(method);
}

/** All that a grant can say to mean a host: itself, and `*.` with each name above it. */
function hostForms(host: string): string[] {
  const forms = [host];
  if (host.includes(':')) return forms;
  for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1))
    forms.push(`*${host.slice(dot)}`);
  return forms;
}

/** The host and port of an `authority` (`example.com`, `[::1]:8080`); undefined with a user name, or wrong. */
export function authorityOf(authority: string, scheme: string): { host: string; port: number } | undefined {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:@[\]/?#\\\s]+)(?::([0-9]{1,5}))?$/.exec(authority);
  const host = match === null ? undefined : hostName(match[1] ?? '');
  const port = match?.[2] === undefined ? (scheme.toLowerCase() === 'http' ? 80 : 443) : Number(match[2]);
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}
