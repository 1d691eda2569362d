import type { Clock, Random } from '../../clock.ts';
import { HostError } from '../../errors.ts';
import type { Difference, Installed, LogEntry, Serving } from '../../host/serving.ts';
import type { Limits } from '../../limits.ts';
import type { Manifest } from '../../manifest.ts';

/** An agent as it lies on disk. */
export interface LocalAgent {
  readonly manifestPath: string;
  readonly manifest: Manifest;
  readonly component: Uint8Array<ArrayBuffer>;
}

export interface ServeOptions {
  readonly agents: readonly LocalAgent[];
  readonly stateFolder: string;
  readonly cacheFolder: string;
  readonly threads: number;
  readonly limits: Partial<Limits>;
  readonly secretsFile?: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: (entry: LogEntry) => void;
}

export interface LocalServing extends Serving {
  /** A new version of what the operator wrote: applied also when it wants more, which `difference` then says. */
  upgrade(
    manifestPath: string,
    manifest: Manifest,
    component: Uint8Array<ArrayBuffer>,
  ): Promise<Installed & { readonly difference?: Difference }>;
}

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly stateFolder: string;
  /** Tokens are asked for even on loopback. */
  readonly auth: boolean;
}

/** A front door that is open. */
export interface Listening {
  /** With the port that was taken. */
  readonly url: string;
  /** Everybody who reaches it may do everything. */
  readonly authOff: boolean;
  /** Takes nothing new, ends streams, lets answers go out for so long, then cuts the rest. */
  close(drainMs: number): Promise<void>;
}

/** What `host serve` joins; a test brings its own. */
export interface Parts {
  readonly serve: (options: ServeOptions) => Promise<LocalServing>;
  readonly listen: (serving: LocalServing, options: ListenOptions) => Promise<Listening>;
}

/** Those of this host. */
export async function loadParts(): Promise<Parts> {
  throw new HostError('HOST_ERR_RUNTIME_TOO_OLD', 'this host cannot serve yet');
}
