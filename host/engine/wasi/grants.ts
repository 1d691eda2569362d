import type { Clock, Random } from '../../clock.ts';

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

/** One host directory a guest may see, under its own name for it. */
export interface Preopen {
  readonly hostPath: string;
  readonly guestPath: string;
  readonly mode: 'read-only' | 'read-write';
}

/** One place a guest may connect to. `host` is a name or address, as the guest writes it; `port` undefined means any. */
export interface NetGrant {
  readonly host: string;
  readonly port: number | undefined;
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
  /** Beside `net`, which allows requests of any method and path. */
  readonly http?: HttpGate;
  readonly clock: Clock;
  readonly random: Random;
}
