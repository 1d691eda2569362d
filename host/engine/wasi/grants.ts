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
  readonly clock: Clock;
  readonly random: Random;
}
