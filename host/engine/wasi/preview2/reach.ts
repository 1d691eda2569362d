import { domainToASCII } from 'node:url';
import type { NetGate, NetGrant, WasiGrants } from '../grants.ts';
import type { Guest } from './guest.ts';
import { type IpAddress, ipText, isInward, parseIp } from './ip.ts';

/** Bytes of a domain name (RFC 1035, 2.3.4). */
const nameBytesMax = 253;
/** Resolved addresses remembered for one guest; the oldest are forgotten and must be looked up again. */
const addressesMax = 4096;
/** Look-ups of one guest under way at once: each holds a thread of Node's pool. */
const lookupsMax = 8;

/** A look-up that failed, with Node's code for it: `ENOTFOUND`, `EAI_AGAIN`, `EAI_FAIL`. */
export class LookupError extends Error {
  override readonly name = 'LookupError';
  readonly code: string;
  constructor(code: string, cause?: unknown) {
    super(code, { cause });
    this.code = code;
  }
}

/**
 * How far a guest's network grants reach. A host name is matched when it is looked up, and the addresses it
 * had then are what the grant covers: a connection goes to an address, so what a name points to later or
 * elsewhere opens nothing (DNS rebinding). Names of the public DNS never reach the machine itself or its wire.
 */
export class Reach {
  readonly #byName = new Map<string, NetGrant[]>();
  readonly #byAddress = new Map<string, NetGrant[]>();
  readonly #resolved = new Map<string, Set<NetGrant>>();
  readonly #onDenied: (what: string, cure: string) => void;
  readonly #gate: NetGate | undefined;
  readonly #cure: (place: string) => string;
  #lookups = 0;

  /** `onDenied` hears of each refusal and, from `cure`, of what would have allowed it: for people, never for the guest. */
  constructor(
    grants: readonly NetGrant[],
    onDenied: (what: string, cure: string) => void = () => {},
    gate?: NetGate,
    cure: (place: string) => string = (place) => `allow it with --net ${place}`,
  ) {
    this.#onDenied = onDenied;
    this.#gate = gate;
    this.#cure = cure;
    for (const grant of grants) {
      const address = parseIp(grant.host);
      if (address === undefined) add(this.#byName, hostName(grant.host) ?? grant.host, grant);
      else add(this.#byAddress, ipText(address), grant);
    }
  }

  get isEmpty(): boolean {
    return this.#byName.size === 0 && this.#byAddress.size === 0;
  }

  /** Whether a name, in the form `hostName` gives, was granted for some port. */
  mayResolve(name: string): boolean {
    return this.#byName.has(name) || this.#deny('looking up', name, '*');
  }

  /** Whether a name or address was granted as it is; asks without being heard. */
  covers(host: string, port: number): boolean {
    return covers(this.#byName.get(host), port) || covers(this.#byAddress.get(host), port);
  }

  /** Whether a request may go to a name and port. */
  mayRequest(name: string, port: number): boolean {
    return covers(this.#byName.get(name), port) || this.#deny('a request to', name, port);
  }

  /** Whether a connection or datagram may go there. */
  mayConnect(address: IpAddress, port: number): boolean {
    const text = ipText(address);
    const isCovered = covers(this.#byAddress.get(text), port) || covers(this.#resolved.get(text), port);
    if (!isCovered) return this.#deny('connecting to', shown(address), port);
    return (
      this.#gate === undefined || this.#hostsOf(text, port).some((host) => this.#gate?.mayConnect(host, port))
    );
  }

  /** Calls `end` when none of the grants that lead there may be used any more. Returns what ends that. */
  watch(address: IpAddress, port: number, end: () => void): () => void {
    const gate = this.#gate;
    if (gate === undefined) return () => {};
    const left = new Set(this.#hostsOf(ipText(address), port));
    const endings = [...left].map((host) =>
      gate.watch(host, port, () => void (left.delete(host) && left.size === 0 && end())),
    );
    return () => {
      for (const ending of endings) ending();
    };
  }

  /** As the grants that cover an address call it. */
  #hostsOf(address: string, port: number): string[] {
    const grants = [...(this.#byAddress.get(address) ?? []), ...(this.#resolved.get(address) ?? [])];
    return grants.filter((grant) => covers([grant], port)).map(({ host }) => hostName(host) ?? host);
  }

  /** Whether a socket may listen there: only an address that was granted itself. */
  mayBind(address: IpAddress, port: number): boolean {
    const text = ipText(address);
    if (!covers(this.#byAddress.get(text), port)) return this.#deny('listening at', shown(address), port);
    return this.#gate?.mayConnect(text, port) ?? true;
  }

  /**
   * Looks a granted name up and remembers what it stands for.
   * @throws LookupError when there is no such name, or no address that a grant for a name may reach
   */
  async resolve(name: string): Promise<readonly IpAddress[]> {
    if (this.#lookups >= lookupsMax) throw new LookupError('EAI_AGAIN');
    this.#lookups += 1;
    try {
      const addresses = (await lookup(name)).filter((address) => isLocalName(name) || !isInward(address));
      if (addresses.length === 0) throw new LookupError('ENOTFOUND');
      for (const address of addresses) this.#remember(ipText(address), this.#byName.get(name) ?? []);
      return addresses;
    } finally {
      this.#lookups -= 1;
    }
  }

  #deny(what: string, host: string, port: number | '*'): false {
    const place = `${host}:${port}`;
    this.#onDenied(`${what} ${port === '*' ? host : place}`, this.#cure(place));
    return false;
  }

  #remember(address: string, grants: readonly NetGrant[]): void {
    const known = this.#resolved.get(address) ?? new Set();
    for (const grant of grants) known.add(grant);
    this.#resolved.delete(address);
    this.#resolved.set(address, known);
    const [oldest] = this.#resolved.keys();
    if (this.#resolved.size > addressesMax && oldest !== undefined) this.#resolved.delete(oldest);
  }
}

/** As `--net` and cures take it: an IPv6 address in brackets. */
function shown(address: IpAddress): string {
  return address.tag === 'ipv4' ? ipText(address) : `[${ipText(address)}]`;
}

const reaches = new WeakMap<Guest, Reach>();

/** The one reach of a guest: a name looked up through sockets counts for HTTP too. */
export function reachOf(guest: Guest, { net, netGate, netCure }: WasiGrants): Reach {
  const deny = (what: string, cure: string): void => guest.budget.deny(what, cure);
  const known = reaches.get(guest) ?? new Reach(net, deny, netGate, netCure);
  reaches.set(guest, known);
  return known;
}

/** A host name in lower-case ASCII (IDNA) without a final dot; undefined when it is none. */
export function hostName(text: string): string | undefined {
  // The URL rules behind `domainToASCII` would end the name at some of these and skip others.
  if (text.length > nameBytesMax * 4 || /[\s\p{Cc}/?#@:[\]\\]/u.test(text)) return undefined;
  const ascii = domainToASCII(text.endsWith('.') ? text.slice(0, -1) : text);
  if (ascii.length === 0 || ascii.length > nameBytesMax) return undefined;
  const labels = ascii.split('.');
  return labels.every((label) => /^[a-z0-9_-]{1,63}$/.test(label)) ? ascii : undefined;
}

/** Names that only this machine or its network gives a meaning to: they may mean this machine. */
function isLocalName(name: string): boolean {
  return !name.includes('.') || name.endsWith('.localhost');
}

async function lookup(name: string): Promise<IpAddress[]> {
  const dns = process.getBuiltinModule('node:dns');
  try {
    const found = await dns.promises.lookup(name, { all: true, order: 'verbatim' });
    return found.flatMap(({ address }) => parseIp(address) ?? []);
  } catch (cause) {
    throw new LookupError(systemCode(cause) ?? 'EAI_FAIL', cause);
  }
}

/** The code of a Node system error (`ECONNREFUSED`). */
export function systemCode(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || !('code' in cause)) return undefined;
  return typeof cause.code === 'string' ? cause.code : undefined;
}

function add(map: Map<string, NetGrant[]>, key: string, grant: NetGrant): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [grant]);
  else known.push(grant);
}

function covers(grants: Iterable<NetGrant> | undefined, port: number): boolean {
  for (const grant of grants ?? []) if (grant.port === undefined || grant.port === port) return true;
  return false;
}
