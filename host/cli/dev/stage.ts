import type { Artifact, Host, WasiGrants } from '../../host.ts';
import type { EffectiveLimits } from '../../limits.ts';

/** One build of the program, ready to run. */
export interface Version {
  /** 1 for the first, then one more for each that differs. */
  readonly number: number;
  readonly name: string;
  readonly artifact: Artifact;
  readonly effective: EffectiveLimits;
  readonly grants: WasiGrants;
}

/** Where versions run, one after the other: agents that are talked to, commands that run again, HTTP that is served. */
export interface Stage {
  /**
   * Puts a version in the place of the one before, and tells whether it did: one that does not start leaves the
   * one before as it is.
   * @throws HostError for a version that cannot run; the one before stays then, too
   */
  swap(version: Version): Promise<boolean>;
  /** Ends what runs. */
  close(): Promise<void>;
}

/** What every stage is made with. */
export interface StageOptions {
  readonly host: Host;
  /** `--input`, if given. */
  readonly input: Uint8Array | undefined;
  readonly subject: string;
  readonly port: number;
  /** Aborted when everything is to end. */
  readonly signal: AbortSignal;
  /** One line or more for the person, on stderr. */
  say(text: string): void;
}
