import type { Clock, Random } from '../../clock.ts';
import type { Flows } from './pace.ts';

/** Where a guest's standard input comes from. */
export interface InputSource {
  readonly isTerminal: boolean;
  /** The next bytes, at most `bytesMax`; undefined at the end. Never blocks the thread. */
  read(bytesMax: number): Promise<Uint8Array | undefined>;
}

/** Where a guest's standard output or error goes. */
export interface OutputSink {
  readonly isTerminal: boolean;
  /** Takes the bytes (a copy the sink may keep); resolves when more may be written. */
  write(bytes: Uint8Array): Promise<void>;
}

/** Asked at every use of a file, by its whole path on the host; it tells the operator itself what it refuses. */
export interface FileGate {
  mayRead(hostPath: string): boolean;
  /** `bytes`: how many are to be written now. */
  mayWrite(hostPath: string, bytes: number): boolean;
  /** Whether it is the same under whatever path: then folders may be renamed. */
  readonly mayMoveFolders?: boolean;
}

/** One host directory a guest may see, under its own name for it. */
export interface Preopen {
  readonly hostPath: string;
  readonly guestPath: string;
  readonly mode: 'read-only' | 'read-write';
  /** Narrows the grant further; undefined: nothing does. */
  readonly gate?: FileGate | undefined;
  /** What would let it be written to, for people; none: a flag of `host run`. */
  readonly writeCure?: () => string;
}

/** One place a guest may connect to. `host` is a name or address, as the guest writes it; `port` undefined means any. */
export interface NetGrant {
  readonly host: string;
  readonly port: number | undefined;
}

/** Narrows `net`, by the name the grant has; it tells the operator itself what it refuses. */
export interface NetGate {
  mayConnect(host: string, port: number): boolean;
  /** Calls `end` when a connection may not go on. Returns what ends that. */
  watch(host: string, port: number, end: () => void): () => void;
}

/** An HTTP request as grants see it: `host` in lower case without brackets or final dot, `path` without query. */
export interface HttpAsked {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  readonly method: string;
  readonly path: string;
}

/** Grants for HTTP requests alone, narrower than a socket's: by method and path too. Asked for every request. */
export interface HttpGate {
  mayRequest(asked: HttpAsked): boolean;
  /** What would allow it, for people: a manifest line. */
  cure(asked: HttpAsked): string;
  /** Asked besides, whichever grant allows it; it tells the operator itself what it refuses. Undefined: nothing is. */
  permits?(asked: HttpAsked): boolean;
  /** Calls `end` when a request under way may not go on. Returns what ends that. */
  watch?(asked: HttpAsked, end: () => void): () => void;
}

/** All that `wasi:*` and preview1 give a guest. An empty one gives computing and nothing else. */
export interface WasiGrants {
  /** `args[0]` is the program's name. */
  readonly args: readonly string[];
  readonly env: readonly (readonly [name: string, value: string])[];
  readonly stdin: InputSource;
  readonly stdout: OutputSink;
  readonly stderr: OutputSink;
  readonly preopens: readonly Preopen[];
  readonly net: readonly NetGrant[];
  readonly netGate?: NetGate;
  /** What would allow a place (`HOST:PORT`, IPv6 in brackets, `*` for any port), for people; none: a flag of `host run`. */
  readonly netCure?: ((place: string) => string) | undefined;
  /** Beside `net`, which allows requests of any method and path. */
  readonly http?: HttpGate;
  /** How much of disk and network it may use; undefined: as much as there is. */
  readonly flows?: Flows | undefined;
  readonly clock: Clock;
  readonly random: Random;
}
