import type { Difference } from '../agent/difference.ts';
import type { Clock, Random } from '../clock.ts';
import type { MetricsSettings } from '../config/metrics.ts';
import type { SchedulerSettings } from '../config/scheduler-settings.ts';
import type { ResidenceBounds } from '../engine/residence.ts';
import type { Limits } from '../limits.ts';
import type { Manifest, SupervisorTree } from '../manifest.ts';
import type { LogEntry } from '../telemetry/log-entry.ts';
import type { HostHooks } from './host-hooks.ts';
import type { Installed, Serving } from './serving.ts';
import type { Renewed } from './supervision/supervision.ts';
import type { TrustOptions } from './trust/trust.ts';

/** What the operator may say of keys, audit chain and policies. */
export type TrustSettings = Pick<
  TrustOptions,
  | 'passphrase'
  | 'takesUnsealed'
  | 'requireSigned'
  | 'auditLevel'
  | 'audit'
  | 'acceptAuditLoss'
  | 'acceptOldKeyring'
  | 'policyFolder'
>;

/** An agent as it lies on disk. */
export interface LocalAgent {
  readonly manifestPath: string;
  readonly manifest: Manifest;
  readonly component: Uint8Array<ArrayBuffer>;
  /** The manifest as written. */
  readonly text?: string;
  /** Content of the `.sig` file beside its component. */
  readonly signature?: Uint8Array | undefined;
}

export interface ServeOptions {
  readonly agents: readonly LocalAgent[];
  /** Trees of supervisors over them. */
  readonly supervisors?: readonly SupervisorTree[];
  readonly stateFolder: string;
  readonly cacheFolder: string | undefined;
  /** Threads that have agents, besides the main one. */
  readonly threads: number;
  /** What the host allows at most; manifests narrow it. */
  readonly limits: Partial<Limits>;
  readonly secretsFile?: string;
  /** Memories and stacks there may be at most; default what the process can have. */
  readonly bounds?: ResidenceBounds;
  /** Bytes of all agents' memories together; default three quarters of what the process may have. */
  readonly memoryBytesMax?: number;
  /** Bytes of sleeping agents' states in the heap; beyond, they go to disk. Default 256 MiB. */
  readonly warmBytesMax?: number;
  /** Bytes of all histories; beyond, the oldest go. Default 1 GiB. */
  readonly historyBytesMax?: number;
  /** Go on with what is readable of damaged journals; default: refuse to start. */
  readonly repairJournal?: boolean;
  /** Who has the next turn, and who lives on which thread. Default: fair shares, balanced. */
  readonly scheduler?: SchedulerSettings;
  /** Keys, audit chain, policies. */
  readonly trust?: TrustSettings;
  /** Where metrics are exported to besides `/metrics`; default nowhere. */
  readonly metrics?: MetricsSettings;
  /** The operator's own code, called at moments in the lives of agents. */
  readonly hooks?: HostHooks;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: (entry: LogEntry) => void;
}

/** A serving host in the operator's own hands. */
export interface LocalServing extends Serving {
  /**
   * More agents like one that is there: its program, its manifest but for the name. They begin with their first message.
   * @throws HostError `HOST_ERR_AGENT_UNKNOWN`, `HOST_ERR_AGENT_DUPLICATE`, `HOST_ERR_CONFIG_INVALID` for a bad name
   */
  spawn(like: string, names: readonly string[]): Promise<void>;
  /** A new version of what the operator wrote: applied also when it wants more, which `difference` then says. */
  upgrade(
    manifestPath: string,
    manifest: Manifest,
    component: Uint8Array<ArrayBuffer>,
    text?: string,
    signature?: Uint8Array,
  ): Promise<Installed & { readonly difference?: Difference }>;
  /**
   * Other trees of supervisors from now on: those that changed are stopped and started, and their agents go on with what
   * they had. Nothing is changed when it throws. @throws HostError `HOST_ERR_CONFIG_INVALID`
   */
  renewSupervisors(trees: readonly SupervisorTree[]): Promise<Renewed>;
  /** Ends a thread at once, whatever it does, as if it had been lost: another takes its place. */
  endThread(thread: number): Promise<void>;
}
