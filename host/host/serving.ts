import type * as http from 'node:http';
import type { OpenCircuit } from '../agent/circuit-refusal.ts';
import type { LifecycleState } from '../agent/lifecycle.ts';
import type { DeadReason } from '../bus/dead-letters.ts';
import type { Failure, Guarantee, Message, Payload } from '../bus/message.ts';
import type { Level } from '../manifest/scheduling.ts';
import type { Outcome } from '../outcome.ts';
import type { AdmissionCounts } from '../scheduler/call-admission.ts';
import type { PolicyStanding } from '../scheduler/policy.ts';
import type { LogEntry } from '../telemetry/log-entry.ts';
import type { LogFilter } from '../telemetry/log-hub.ts';
import type { Metric } from '../telemetry/metric.ts';
import type { MetricsSnapshot } from '../telemetry/metrics-snapshot.ts';
import type { ServingKeys } from './trust/serving-keys.ts';

// The front doors know no room between: what they need of the bus reaches them from here.
export type { OpenCircuit } from '../agent/circuit-refusal.ts';
export type { LifecycleState } from '../agent/lifecycle.ts';
export type { DeadReason } from '../bus/dead-letters.ts';
export type { Failure, Guarantee, Header, Message, Payload } from '../bus/message.ts';
export type { LogEntry } from '../telemetry/log-entry.ts';
export type { LogFilter } from '../telemetry/log-hub.ts';
export type { Metric } from '../telemetry/metric.ts';
export type { MetricsSnapshot } from '../telemetry/metrics-snapshot.ts';

/** On whose behalf a front door asks: shown in logs, and the sender's name is never taken from it. */
export interface Principal {
  /** A token's name, `local` on loopback without tokens, `trigger`. */
  readonly name: string;
}

/**
 * `ready`: it has no instance, and begins with its next message; `held`: it waits for a person (`Serving.resume`);
 * `failed`: its thread is gone for the moment.
 */
export type AgentState =
  | 'ready'
  | 'starting'
  | 'idle'
  | 'running'
  | 'waiting'
  | 'hibernated'
  | 'cold'
  | 'held'
  | 'paused'
  | 'stopped'
  | 'failed';

/** One line of a list of agents. */
export interface AgentSummary {
  readonly name: string;
  readonly state: AgentState;
  /** Where it is in its life, wherever it is in memory. */
  readonly lifecycle: LifecycleState;
  /** SHA-256 of the component, lower-case hex. */
  readonly digest: string;
  readonly world: string;
  /** Where it lives; of a parallel agent its first instance. */
  readonly thread: number;
  /** Where its instances live, each number once. */
  readonly threads: readonly number[];
  /** More than 1 for a parallel agent. */
  readonly instances: number;
  /** Messages waiting. */
  readonly mailboxDepth: number;
  /** Messages dealt with since the host started. */
  readonly handled: number;
  readonly failed: number;
  /** Bytes of its memory, as of its last message. */
  readonly memoryBytes: number;
  /** Fuel since the host started. */
  readonly fuel: bigint;
  /** Where `wasi:http` requests for it come in. */
  readonly route: string | undefined;
  /** The agent that made it; undefined: it was installed, or its maker is no more. */
  readonly parent: string | undefined;
  readonly profile: AgentProfile;
  readonly scheduling: AgentScheduling;
}

/** How an agent's turns stand to those of others. */
export interface AgentScheduling {
  readonly level: Level;
  /** Its share against others of its level. */
  readonly weight: number;
  /** Turns it had since its thread began: messages, and slices of them. */
  readonly turns: number;
  /** What it computes as of late, 0 to 1 of one core. */
  readonly share: number;
  /** Milliseconds it waited for its turns, on average as of late; undefined: none of its waits was looked at. */
  readonly waitMs: number | undefined;
}

/** How an agent works, as its messages have shown: moving averages. */
export interface AgentProfile {
  /** Milliseconds it computes for a message. */
  readonly executionMs: number;
  /** As of late. */
  readonly messagesPerSecond: number;
  /** Share of a message's time in which it computes, 0 to 1. */
  readonly cpuIntensity: number;
  readonly kind: 'computing' | 'mixed' | 'waiting';
}

/** Everything about one agent. */
export interface AgentDetail extends AgentSummary {
  /** The agents that it made and that are there, by name. */
  readonly children: readonly string[];
  /** Where its manifest is; undefined for one installed over HTTP. */
  readonly manifestPath: string | undefined;
  /** The manifest's text. */
  readonly manifest: string;
  readonly imports: readonly string[];
  readonly installedAtMs: number;
  /** Who signed its component: `ed25519:…`; undefined: nobody. */
  readonly signedBy: string | undefined;
  /** Digests of the versions before, newest first, bounded. */
  readonly earlier: readonly string[];
  readonly subscriptions: readonly { readonly pattern: string; readonly group: string | undefined }[];
  /** In the order of the manifest. */
  readonly triggers: readonly AgentTrigger[];
  /** Milliseconds since its message under way began, whose fuel is in `fuel` as far as it is used; undefined: there is none. */
  readonly underWayMs: number | undefined;
  readonly lastError: string | undefined;
  /** Instances it lost since the host started. */
  readonly losses: number;
  /** Whether callers are let through; undefined: they always are. */
  readonly circuit: 'closed' | 'open' | 'half-open' | undefined;
  /** Undefined: nobody asks it. */
  readonly isReady: boolean | undefined;
}

/** A message the host sends to an agent by itself; one of `cron`, `everyMs`, `atMs` and `subject` says when. */
export interface AgentTrigger {
  /** The message's subject is `trigger.NAME`. */
  readonly name: string;
  readonly cron: string | undefined;
  /** Of `cron`; undefined: UTC. */
  readonly zone: string | undefined;
  readonly everyMs: number | undefined;
  /** Once, milliseconds since 1970. */
  readonly atMs: number | undefined;
  readonly subject: string | undefined;
  /** When it comes next, milliseconds since 1970; undefined for a subject, or when there is no next time. */
  readonly nextMs: number | undefined;
}

/** What the new version of an agent asks for that the present one does not. */
export interface Difference {
  readonly fromDigest: string;
  readonly toDigest: string;
  readonly newImports: readonly string[];
  readonly droppedImports: readonly string[];
  /** Manifest lines: `[capabilities.bus] send += "agent.audit"`. */
  readonly newGrants: readonly string[];
  readonly droppedGrants: readonly string[];
  /** Somebody else signed it than the version before: `ed25519:… → ed25519:…`. */
  readonly newSigner?: string | undefined;
}

export interface InstallRequest {
  /** `agent.toml` text; paths in it are refused here (no folder to be relative to). */
  readonly manifest: string;
  readonly component: Uint8Array<ArrayBuffer>;
  /** Content of the `.sig` file beside it. */
  readonly signature?: Uint8Array;
  /** Digest of a component whose new imports and grants the caller has seen and accepts. */
  readonly accept?: string;
  /** On whose behalf: for the record. */
  readonly principal?: Principal;
  /** Nobody asked who the caller is: it gets no secrets. */
  readonly isAnybodys?: boolean;
}

export type Installed =
  | { readonly kind: 'installed' | 'upgraded' | 'unchanged'; readonly agent: AgentDetail }
  /** It would import or be granted more than the present version: ask again with `accept`. */
  | { readonly kind: 'wants-more'; readonly difference: Difference };

export interface InvokeOptions {
  readonly principal: Principal;
  /** The message's subject as the agent sees it; default `agent.NAME`. */
  readonly subject?: string;
  readonly deadlineMs?: number;
  /** The asker went away. */
  readonly signal?: AbortSignal;
  readonly messageId?: string;
  /** The level at which its receiver is to handle it, if its own is none before it. */
  readonly priority?: Level;
}

/** How a request ended. */
export type Reply =
  | {
      readonly kind: 'answered';
      readonly id: string;
      readonly outcome: Outcome<Uint8Array | undefined>;
      readonly contentType: string | undefined;
    }
  /** Nobody has it: a full mailbox, no such agent, no responders. `retryAfterMs` where waiting helps. */
  | {
      readonly kind: 'refused';
      readonly reason:
        | 'full'
        | 'no-responders'
        | 'too-large'
        | 'timed-out'
        | 'cancelled'
        | 'unavailable'
        | 'rate-limited'
        /** It would not end before its deadline: `forecastMs`. */
        | 'too-late'
        | 'circuit-open';
      readonly retryAfterMs: number | undefined;
      /** For people: what the reason does not say, and the cure. */
      readonly why?: string;
      /** Of `timed-out`: how long the asker waited, where it said so. */
      readonly deadlineMs?: number | undefined;
      /** Of `too-late`: in how many milliseconds it would have ended, `deadlineMs` being when it had to. */
      readonly forecastMs?: number;
      /** Of `circuit-open`. */
      readonly circuit?: OpenCircuit;
    };

export interface Accepted {
  readonly id: string;
  /** Agents and host-side subscribers that get it; for `send`, 1, or 0 for a repetition of an id. */
  readonly receivers: number;
  /** For `send`: its agent is terminated, so it is a dead letter at once, or lost if it is `at-most-once`. */
  readonly hasEnded?: boolean;
}

export interface PublishOptions {
  readonly principal: Principal;
  readonly guarantee?: Guarantee;
  readonly messageId?: string;
  /** As of `InvokeOptions`. */
  readonly priority?: Level;
}

export interface DeadLetter {
  readonly message: Message;
  readonly receiver: string;
  readonly reason: DeadReason;
  readonly failure: Failure | undefined;
  readonly atMs: number;
}

/** What policies want a person to approve. */
export interface Approval {
  /** `a1`, `a2`, …: never used again while the host runs. */
  readonly id: string;
  /** `defer`: it was put off, and a change of the policies may decide it as well. */
  readonly kind: 'step-up' | 'defer';
  /** Who wants what with what: `agent:shop`, `tool.call`, `tool:files/write`. */
  readonly principal: string;
  readonly action: string;
  readonly resource: string;
  readonly context: Readonly<Record<string, unknown>>;
  readonly policies: readonly string[];
  readonly reason: string;
  readonly askedAtMs: number;
  /** When it is denied if nobody answers. */
  readonly deadlineMs: number;
}

/** Who subscribes, and what is called when the host ends it. */
export interface SubscribeOptions {
  /** Default: `local`. */
  readonly principal?: Principal;
  readonly ended?: (reason: string) => void;
}

/** A supervisor of agents and of other supervisors. */
export interface SupervisorStatus {
  readonly name: string;
  /** Undefined: it is the root of its tree. */
  readonly parent: string | undefined;
  readonly strategy: string;
  /** Restarts there may be within the period; beyond, it gives up. */
  readonly restartsMax: number;
  readonly periodMs: number;
  /** Restarts within the period, up to now. */
  readonly restartsNow: number;
  /** `ended`: it gave up, or could not be started. */
  readonly state: 'up' | 'ended';
  /** In the order in which they are started. */
  readonly children: readonly SupervisedChild[];
}

export interface SupervisedChild {
  readonly name: string;
  readonly kind: 'agent' | 'supervisor';
  readonly state: 'down' | 'starting' | 'up' | 'waiting' | 'stopping';
  readonly restarts: number;
  /** How it ended last, for people. */
  readonly lastExit: string | undefined;
  /** Milliseconds until it is started again; undefined: it does not wait for that. */
  readonly restartsInMs: number | undefined;
}

/** What one agent did, and has now. */
export type AgentMetrics = Pick<
  AgentSummary,
  'lifecycle' | 'mailboxDepth' | 'handled' | 'failed' | 'memoryBytes' | 'fuel'
>;

export interface WaitOptions {
  /** Default: those in which it does nothing more by itself: completed, failed, terminated. */
  readonly states?: readonly LifecycleState[];
  /** Default one hour, at most a day. */
  readonly timeoutMs?: number;
}

/** A tie between two agents; of a monitor, the one that watches. */
export interface AgentTie {
  readonly kind: 'link' | 'monitor';
  /** The other one. */
  readonly agent: string;
  /** The number of a monitor that was asked for; undefined for links, and for what a manifest declares. */
  readonly monitor: number | undefined;
}

/** One agent, to be held and let go of. */
export interface AgentHandle {
  readonly name: string;
  /**
   * It stands still, in the middle of a message too, once this resolves; its mail waits, and the time of its call does
   * not run. Nothing if it is paused already. @throws HostError `HOST_ERR_LIFECYCLE_ILLEGAL`
   */
  pause(): Promise<void>;
  /** It goes on where it was. False: nothing kept it from doing so. */
  resume(): Promise<boolean>;
  /**
   * It ends once the message under way is dealt with, in good order; `wait` says when. What waits for it becomes dead
   * letters; `resume` has it begin anew. @throws HostError `HOST_ERR_LIFECYCLE_ILLEGAL`
   */
  stop(): Promise<void>;
  /** As `stop`, at once: the message under way is ended, and what the agent saved is gone. @throws HostError as `stop` */
  kill(): Promise<void>;
  /**
   * Links it with another until the first end of either: who fails takes the other along. One that has ended for good
   * does so at once. @throws HostError `HOST_ERR_AGENT_UNKNOWN` for either, `HOST_ERR_CONFIG_INVALID` with itself,
   * `HOST_ERR_BUDGET_EXHAUSTED`
   */
  link(other: string): Promise<void>;
  /** False: nobody asked for such a link while they ran. @throws HostError as `link` */
  unlink(other: string): Promise<boolean>;
  /** Has it told of another's end by a message `down.NAME`, which holds this number. @throws HostError as `link` */
  monitor(other: string): Promise<number>;
  /** False: it has no such monitor, or none any more. */
  demonitor(monitor: number): Promise<boolean>;
  /** Its links, and whom it watches. */
  ties(): Promise<readonly AgentTie[]>;
  state(): Promise<LifecycleState>;
  metrics(): Promise<AgentMetrics>;
  /** The first of these states that it is in; undefined: in none of them within the time. */
  wait(options?: WaitOptions): Promise<LifecycleState | undefined>;
}

/** For `host top` and `/v1/status`. */
export interface ServingStatus {
  readonly version: string;
  readonly startedAtMs: number;
  readonly agents: { readonly [state in AgentState]: number };
  /** The same agents by where they are in their lives. */
  readonly lifecycle: { readonly [state in LifecycleState]: number };
  readonly memories: { readonly live: number; readonly max: number };
  readonly threads: readonly ThreadStatus[];
  /** What threads with nothing to do took from others since the host began. */
  readonly stealing: StealingStatus;
  readonly deadLetters: number;
}

/** Agents that went from one thread to another. */
export interface StealingStatus {
  /** Times that some were taken. */
  readonly steals: number;
  /** Agents that went, and those that were to and had begun something else meanwhile. */
  readonly moved: number;
  readonly refused: number;
}

export interface ThreadStatus {
  readonly thread: number;
  readonly agents: number;
  /** Calls under way, waiting ones included. */
  readonly active: number;
  readonly handled: number;
  readonly fuel: bigint;
  readonly memories: number;
  readonly heapBytes: number;
  /** Share of wall time the event loop was busy, 0 to 1. */
  readonly utilisation: number;
  readonly scheduling: ThreadScheduling;
}

/** What the scheduler of a thread did since it began, and who waits. */
export interface ThreadScheduling {
  /** Who decides inside a level, and why if that is not who should. */
  readonly policy: PolicyStanding;
  /** What becomes of calls that will not end in time, how many were judged, and how many refused. */
  readonly admission: AdmissionCounts;
  /** Agents that wait for a turn, by level. */
  readonly queued: Readonly<Record<Level, number>>;
  /** Messages begun, and calls gone on with after they waited. */
  readonly starts: number;
  /** Ends of fuel slices at which a guest gave way. */
  readonly slices: number;
  /** Those at which somebody else was to run first. */
  readonly preemptions: number;
  /** Turns given to a level that had been passed over for long. */
  readonly aged: number;
  /** Milliseconds that turns began late: the mean and the most, of those looked at. */
  readonly latenessMs: number;
  readonly latenessMsMax: number;
}

export type Readiness =
  | { readonly ready: true }
  | { readonly ready: false; readonly waitingFor: readonly string[] };

/** The threads of agents, each of which may answer HTTP for them where they are. */
export interface ThreadDoors {
  /** Where the main thread takes what a thread does not answer itself. */
  readonly socketPath: string;
  /** Has every thread, those that take a lost one's place too, open a door: `module` exports `openThreadDoor`. */
  open(module: string, settings: unknown): Promise<void>;
  /** What each door tells of itself. */
  metrics(): Promise<readonly (readonly Metric[])[]>;
  close(drainMs: number): Promise<void>;
}

/** Which events of the audit chain are asked for; every condition that is there must hold. */
export interface EventsAsked {
  readonly agents?: readonly string[];
  /** `message-denied`, … */
  readonly kinds?: readonly string[];
  readonly principal?: string;
  /** Milliseconds since 1970: from (inclusive), to (exclusive). */
  readonly fromMs?: number;
  readonly toMs?: number;
  /** Only what comes after this event. */
  readonly after?: number;
}

/** An event as JSON shows it; the fields of its kind stand beside these. */
export interface ShownEvent {
  readonly sequence: number;
  readonly kind: string;
  readonly time: string;
  readonly agent: string | null;
  readonly principal: string | null;
}

/** The last seal of the chain. */
export interface RecordHead {
  /** Sequence number of the last event. */
  readonly events: number;
  readonly batch: number;
  readonly sealedMs: number;
  readonly signedBy: string;
  readonly anchor: string;
}

/** The audit chain of a host. */
export interface ServingRecord {
  /** The oldest first, what is recorded at the moment included. @throws HostError `HOST_ERR_AUDIT_INVALID` for an unknown kind */
  events(asked: EventsAsked, max: number): Promise<readonly ShownEvent[]>;
  head(): Promise<RecordHead | undefined>;
  /** Events from now on, as they become durable; a slow reader misses some. @throws HostError as `events` */
  follow(
    asked: EventsAsked,
    event: (event: ShownEvent) => void,
    missed: (events: number) => void,
  ): () => void;
  /** Makes what is said about a person unreadable; false: nothing is. */
  forget(subject: string, reason: string, by: string): Promise<boolean>;
  /** Records what a timestamp authority said of a batch's seal. @throws HostError `HOST_ERR_AUDIT_UNKNOWN` */
  timestamped(batch: number, authority: string, token: Uint8Array, by: string): Promise<void>;
  /** A token came into being or was revoked since the host began. */
  tokenCreated(name: string, rights: readonly string[]): void;
  tokenRevoked(name: string): void;
}

/** A host that keeps agents alive: what the front doors talk to. */
export interface Serving {
  readiness(): Readiness;
  status(): Promise<ServingStatus>;
  metrics(): Promise<readonly Metric[]>;
  /** How the host is at this moment, in the founding names. */
  snapshot(): Promise<MetricsSnapshot>;

  /** Agents in the order of their names, after one name, at most `max`. */
  agents(after: string | undefined, max: number, prefix?: string): Promise<readonly AgentSummary[]>;
  /** @throws HostError `HOST_ERR_AGENT_UNKNOWN` */
  agent(name: string): Promise<AgentDetail>;
  /** @throws HostError for a bad manifest or component */
  install(request: InstallRequest): Promise<Installed>;
  /** @throws HostError `HOST_ERR_AGENT_UNKNOWN` */
  remove(name: string, principal?: Principal): Promise<void>;

  /**
   * An agent that was held or terminated goes on: with the messages it failed at, or, `isDropped`, without: they are
   * dead letters then. False: nothing keeps it from doing so. @throws HostError `HOST_ERR_AGENT_UNKNOWN`
   */
  resume(name: string, isDropped: boolean, principal?: Principal): Promise<boolean>;

  /** Every supervisor, parents before those under them. */
  supervisors(): readonly SupervisorStatus[];
  /** Starts a tree anew, by the name of its root. @throws HostError `HOST_ERR_SUPERVISOR_UNKNOWN` */
  restartSupervisor(name: string, principal?: Principal): Promise<void>;
  /** An agent to pause, resume, stop, kill and wait for. @throws HostError `HOST_ERR_AGENT_UNKNOWN`, at once or later */
  handle(name: string, principal?: Principal): AgentHandle;

  /** One message to one agent, and its answer. @throws HostError `HOST_ERR_AGENT_UNKNOWN` */
  invoke(name: string, payload: Payload, options: InvokeOptions): Promise<Reply>;
  /** Asks whoever answers a subject. @throws HostError `HOST_ERR_SUBJECT_INVALID` */
  request(subject: string, payload: Payload, options: InvokeOptions): Promise<Reply>;
  /** Resolves once it is on disk. @throws HostError `HOST_ERR_AGENT_UNKNOWN`, `HOST_ERR_MAILBOX_FULL`, `HOST_ERR_STATE_UNWRITABLE` */
  send(name: string, payload: Payload, options: PublishOptions): Promise<Accepted>;
  /** @throws HostError `HOST_ERR_SUBJECT_INVALID`, `HOST_ERR_STATE_UNWRITABLE` */
  publish(subject: string, payload: Payload, options: PublishOptions): Promise<Accepted>;
  /** Messages from now on; `listener` must not wait. Returns the way to end it. @throws HostError `HOST_ERR_SUBJECT_INVALID` */
  subscribe(
    pattern: string,
    group: string | undefined,
    listener: (message: Message) => void,
    options?: SubscribeOptions,
  ): () => void;

  /** The last `max` lines that pass. */
  recentLogs(filter: LogFilter, max: number): readonly LogEntry[];
  followLogs(filter: LogFilter, listener: (entry: LogEntry) => void): () => void;

  /** What proves who sent a message (`host message verify`); undefined: its sender does not sign, or it was long ago. */
  messageProof(id: string): Promise<string | undefined>;
  /** The latest, newest first. */
  deadLetters(max: number): Promise<readonly DeadLetter[]>;
  /** Delivers it again, or drops it; false when there is no such one. @throws HostError `HOST_ERR_STATE_UNWRITABLE` */
  retryDeadLetter(id: string): Promise<boolean>;
  dropDeadLetter(id: string): Promise<boolean>;

  /** What waits for a person, the oldest first. */
  approvals(): readonly Approval[];
  /** @throws HostError `HOST_ERR_POLICY_APPROVAL_UNKNOWN`, `HOST_ERR_CAPABILITY_DENIED` for who asked itself */
  answerApproval(id: string, isApproved: boolean, by: Principal, reason: string): void;

  /** The agent whose route a path lies under. */
  routeOf(path: string): string | undefined;
  /** Hands a request to the `wasi:http` agent of its route; resolves when the answer is out. */
  exchange(agent: string, request: http.IncomingMessage, response: http.ServerResponse): Promise<void>;

  /** Undefined where a host has none. */
  readonly keys?: ServingKeys | undefined;

  /** Undefined where no audit chain is kept. */
  readonly record?: ServingRecord | undefined;

  /** Undefined where threads cannot share an address. */
  readonly doors?: ThreadDoors | undefined;

  /** Takes nothing new, ends what is under way within `drainMs`, saves every agent, stops. */
  close(drainMs: number): Promise<void>;
}
