import type {
  FileGate,
  HttpAsked,
  HttpGate,
  NetGate,
  Preopen,
  WasiGrants,
} from '../../engine/wasi/grants.ts';

/** A use of `wasi:*` was permitted or denied: `wasi:filesystem#read`, and of what. */
export type UseNote = (name: string, outcome: 'permitted' | 'denied', detail: string) => void;

/** Uses of one call that are told apart; of more it is told that there were more. */
const usesMax = 256;
const detailCharsMax = 200;

/**
 * The same reach, with its uses told: each file or folder that is read or written, each connection, each request;
 * what is used again and again in one call is told once. `underWay` is the call, by identity.
 */
export function recordedReach(wasi: WasiGrants, underWay: () => unknown, note: UseNote): WasiGrants {
  const uses = new Uses(underWay, note);
  return {
    ...wasi,
    preopens: wasi.preopens.map((preopen) => ({ ...preopen, gate: fileGate(preopen, uses) })),
    netGate: netGate(wasi.netGate, uses),
    ...(wasi.http && { http: httpGate(wasi.http, uses) }),
  };
}

class Uses {
  readonly #underWay: () => unknown;
  readonly #note: UseNote;
  readonly #told = new Set<string>();
  #call: unknown;

  constructor(underWay: () => unknown, note: UseNote) {
    this.#underWay = underWay;
    this.#note = note;
  }

  /** @returns `isPermitted` */
  tell(name: string, isPermitted: boolean, detail: string): boolean {
    const call = this.#underWay();
    if (call !== this.#call) this.#told.clear();
    this.#call = call;
    if (this.#told.size > usesMax) return isPermitted;
    const outcome = isPermitted ? 'permitted' : 'denied';
    const key = `${outcome} ${name} ${detail}`;
    if (this.#told.has(key)) return isPermitted;
    this.#told.add(key);
    if (this.#told.size > usesMax) this.#note(name, outcome, `more than ${usesMax} uses in one call`);
    else this.#note(name, outcome, detail.slice(0, detailCharsMax));
    return isPermitted;
  }
}

function fileGate({ hostPath, guestPath, gate }: Preopen, uses: Uses): FileGate {
  const shown = (path: string): string => `${guestPath}${path.slice(hostPath.length)}`;
  return {
    mayRead: (path) => uses.tell('wasi:filesystem#read', gate?.mayRead(path) ?? true, shown(path)),
    mayWrite: (path, bytes) =>
      uses.tell('wasi:filesystem#write', gate?.mayWrite(path, bytes) ?? true, shown(path)),
    mayMoveFolders: gate === undefined || gate.mayMoveFolders === true,
  };
}

function netGate(gate: NetGate | undefined, uses: Uses): NetGate {
  return {
    mayConnect: (host, port) =>
      uses.tell('wasi:sockets#connect', gate?.mayConnect(host, port) ?? true, `${host}:${port}`),
    watch: (host, port, end) => gate?.watch(host, port, end) ?? nothing,
  };
}

function httpGate(gate: HttpGate, uses: Uses): HttpGate {
  return {
    mayRequest: (asked) => gate.mayRequest(asked),
    cure: (asked) => gate.cure(asked),
    permits: (asked) => uses.tell('wasi:http#request', gate.permits?.(asked) ?? true, textOf(asked)),
    watch: (asked, end) => gate.watch?.(asked, end) ?? nothing,
  };
}

const nothing = (): void => {};

function textOf({ method, scheme, host, port, path }: HttpAsked): string {
  return `${method} ${scheme}://${host}:${port}${path}`;
}
