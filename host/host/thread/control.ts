import type { StopReason } from '../../agent/agent.ts';
import type { AgentExit } from '../../agent/custody.ts';
import type { DispatcherReport } from '../../agent/dispatcher.ts';
import type { Halt } from '../../agent/halt.ts';
import type { LifecycleState } from '../../agent/lifecycle.ts';
import type { Luggage } from '../../agent/luggage.ts';
import type { AgentReport, Newcomer, PopulationReport } from '../../agent/population.ts';
import type { Rein } from '../../agent/reins.ts';
import type { Spec } from '../../agent/spec.ts';
import type { KeptSubscription } from '../../bus/bus.ts';
import type { DeadLetter } from '../../bus/dead-letters.ts';
import type { DirectoryMemory } from '../../bus/directory.ts';
import type { SettledId } from '../../bus/journal/journal.ts';
import type { LinkEnd, LinkEnds } from '../../bus/links.ts';
import type { SchedulerSettings } from '../../config/scheduler-settings.ts';
import type { Program } from '../../engine/engine.ts';
import type { ResidenceShare } from '../../engine/residence.ts';
import type { Answer, Asked } from '../../orchestration/asked.ts';
import type { Decision } from '../../policy/decision.ts';
import type { PolicyRequest } from '../../policy/request.ts';
import type { Scarce } from '../../scheduler/allowance.ts';
import type { StealBoardMemory } from '../../scheduler/steal-board.ts';
import type { WorkloadMemory } from '../../scheduler/workload.ts';
import type { LogLevel } from '../../telemetry/guest-api.ts';
import type { LogEntry } from '../../telemetry/log-entry.ts';
import type { Refused } from '../policy/clearance.ts';
import type { Allocations } from '../report/allocation-meter.ts';
import type { Metric } from '../serving.ts';
import type { TrustLine } from '../trust/trust.ts';

/** What every thread of a host is started with. */
export interface ThreadSettings {
  readonly cacheFolder: string | undefined;
  readonly directory: DirectoryMemory;
  readonly residence: ResidenceShare;
  /** Where it counts what its agents compute. */
  readonly workload: WorkloadMemory;
  readonly warmBytesMax: number;
  /** Bytes of all history files, those of earlier runs too. */
  readonly historyBytesMax: number;
  /** How many threads write them. */
  readonly threads: number;
  /** When this run of the host began, milliseconds since 1970. */
  readonly startedMs: number;
  readonly logLevelMin: LogLevel;
  readonly scheduler: SchedulerSettings;
  readonly stealBoard: StealBoardMemory;
  /** Of the policy `custom`, if a component says who is next. */
  readonly policyProgram: Program | undefined;
}

/** What a thread is told when it takes its place: until then it is a spare. */
export interface ThreadPlace {
  readonly links: LinkEnds;
  /** Where it takes HTTP requests for its agents. */
  readonly socketPath: string;
  /** Folders of this thread's own: states of agents that sleep, and messages it has promised to deliver. */
  readonly coldFolder: string;
  readonly journalFolder: string;
  /** Where what agents are told is written down; one for all threads. */
  readonly historyFolder: string;
  /** Go on with what is readable of a damaged journal. */
  readonly repairJournal: boolean;
  /** How many threads had this place before, each of which was lost. */
  readonly predecessors: number;
  readonly trust: TrustLine;
  /** Subscriptions of earlier runs have numbers up to this. */
  readonly subscriptionsFrom: number;
  /** Folders of threads of an earlier run that are no more. */
  readonly adoptCold: readonly string[];
}

/** What a thread can be told by the main thread. */
export interface ThreadCalls {
  readonly place: (place: ThreadPlace) => void;
  /** Which of these agents have their state on this thread's disk. */
  readonly holds: (names: readonly string[]) => readonly boolean[];
  /** Another thread was lost, and this is the way to the one in its place. */
  readonly relink: (end: LinkEnd) => void;
  /** Opens this thread's part of the front door: `module` exports `openThreadDoor`. */
  readonly openDoor: (asked: { readonly module: string; readonly settings: unknown }) => void;
  readonly doorMetrics: () => readonly Metric[];
  readonly closeDoor: (drainMs: number) => void;
  readonly learn: (spec: Spec) => void;
  readonly forget: (spec: number) => void;
  /** Agents of a spec; those whose state lies on disk go on there. */
  readonly add: (asked: {
    readonly spec: number;
    readonly agents: readonly Newcomer[];
    /** They were there before their thread was lost: everybody knows what they subscribed to. */
    readonly isAgain: boolean;
  }) => void;
  /** Another program or other settings; messages wait meanwhile. */
  readonly replace: (asked: { readonly id: number; readonly spec: number }) => void;
  readonly remove: (id: number) => void;
  /** A halted agent goes on; false: it was not. */
  readonly resume: (asked: { readonly id: number; readonly isDropped: boolean }) => boolean;
  /** A supervisor looks after these: they wait until they are begun. */
  readonly takeCare: (ids: readonly number[]) => void;
  readonly releaseCare: (id: number) => void;
  /** Has one begin without a message; says why it could not. */
  readonly begin: (id: number) => string | undefined;
  /** Ends one after its message under way, or at once. */
  readonly rest: (asked: { readonly id: number; readonly reason: StopReason }) => void;
  /** The end of these concerns others, or does not any more. */
  readonly tie: (asked: { readonly ids: readonly number[]; readonly isTied: boolean }) => void;
  /** Ends one that is linked to another that ended; nobody looks after it. */
  readonly endLinked: (asked: { readonly id: number; readonly why: string }) => void;
  /** Nothing comes for it by itself any more. */
  readonly finish: (id: number) => void;
  readonly quell: (asked: { readonly id: number; readonly why: string }) => void;
  /** A person pauses, stops or kills an agent. */
  readonly pull: (asked: { readonly id: number; readonly rein: Rein; readonly by: string }) => void;
  /** Answers once an agent is in one of these states; undefined: it was not within the time. */
  readonly until: (asked: {
    readonly id: number;
    readonly states: readonly LifecycleState[];
    readonly timeoutMs: number;
  }) => LifecycleState | undefined;
  readonly report: (ids: readonly number[]) => readonly (AgentReport | undefined)[];
  readonly status: () => ThreadReport;
  /** Answers once all that happened on this thread so far is on the audit chain; a disk that takes nothing has what it has. */
  readonly recorded: () => void;
  readonly deadLetters: (max: number) => readonly DeadLetter[];
  readonly retryDeadLetter: (id: string) => boolean;
  readonly dropDeadLetter: (id: string) => boolean;
  /** Keys of the host and of agents have these generations from now on, where not 1. */
  readonly rotated: (generations: Readonly<Record<string, number>>) => void;
  /** What proves a message that an agent of this thread signed. */
  readonly messageProof: (id: string) => string | undefined;
  /** Exactly-once messages that were dealt with, of this thread's journal. */
  readonly settledIds: () => readonly SettledId[];
  /** These were dealt with by agents of this thread: they are not delivered to them again. */
  readonly remember: (ids: readonly SettledId[]) => void;
  /** Delivers what was found in the journal. Whose agents were cut off: nobody's, this thread's, or everybody's. */
  readonly deliver: (cutOff: CutOff) => void;
  /** Agents that wait for a turn and might go to another thread, at most so many. */
  readonly candidates: (max: number) => readonly number[];
  /** As `Passage.leave`. */
  readonly leave: (ids: readonly number[]) => readonly (Luggage | undefined)[];
  /** Agents come from another thread. */
  readonly arrive: (asked: { readonly spec: number; readonly luggage: readonly Luggage[] }) => void;
  /** Agents are where the directory says: what was held back for them goes there. */
  readonly released: (agents: readonly Released[]) => void;
  /** The agents of a lost thread are there again. */
  readonly returned: (thread: number) => void;
  /**
   * Begins nothing any more that a journal has, and lets the rest end within this time.
   * @returns messages delivered since the start: as many as at the last call, everywhere, and all is quiet
   */
  readonly drain: (drainMs: number) => number;
  /** Ends what is still under way, and saves everybody. */
  readonly save: () => void;
  readonly [name: string]: (input: never) => unknown;
}

/** What a thread tells the main thread. */
export interface OwnerCalls {
  readonly logs: (entries: readonly LogEntry[]) => void;
  /** Whether its journal takes messages, when that changes. */
  readonly journal: (isTaking: boolean) => void;
  /** What agents are subscribed to by themselves, all of it, when that changed. */
  readonly subscriptions: (changed: readonly Subscriptions[]) => void;
  /** Puts what is not decided yet to a person. */
  readonly approve: (asked: AskedApproval) => Decision;
  /** Decides about a caller from outside, counting it with those of all threads. */
  readonly settle: (asked: Omit<AskedApproval, 'decision'>) => Decision | Refused;
  /** Does with names that agents share what one of the thread's agents asked. */
  readonly orchestrate: (asked: AskedOfHome) => Answer;
  /** What was asked under this number is not wanted any more; it is answered all the same. */
  readonly unwanted: (call: number) => void;
  /** An agent handles nothing until a person says so; without a halt, it does again. */
  readonly halted: (change: Halted) => void;
  /** One is not begun again after its end, as its `[restart]` says (why it ended), or is (undefined). */
  readonly ended: (change: Ended) => void;
  /** One that a supervisor looks after ended by itself. */
  readonly exited: (exit: AgentExit) => void;
  /** One that a supervisor looks after is to be restarted. */
  readonly unwell: (asked: { readonly agent: string; readonly why: string }) => void;
  /** The thread has nothing to do, and would have agents of another one; answered with how many came. */
  readonly steal: (asked: AskedAgents) => number;
  readonly [name: string]: (input: never) => unknown;
}

/** Agents that a thread would have of another one. */
export interface AskedAgents {
  readonly victim: number;
  readonly max: number;
}

/** An agent that was on its way to another thread, and is not any more. */
export interface Released {
  readonly id: number;
  readonly name: string;
}

/** What an agent asks of the home of names. */
export interface AskedOfHome {
  /** Unique in the life of its thread. */
  readonly call: number;
  readonly agent: string;
  readonly asked: Asked;
}

export interface AskedApproval {
  readonly request: PolicyRequest;
  readonly decision: Decision;
  /** How long it may wait. */
  readonly waitMs: number;
}

export type CutOff = 'none' | 'own' | 'all';

export type Halted = readonly [agent: string, halt: Halt | undefined];

export type Ended = readonly [agent: string, why: string | undefined];

/** What an agent subscribed to itself. */
export type Subscriptions = readonly [agent: string, own: readonly KeptSubscription[]];

/** What waits for the audit chain. */
export interface AuditBacklog {
  readonly pendingBytes: number;
  /** Milliseconds for which the oldest of it has waited. */
  readonly lagMs: number;
}

export interface ThreadReport extends PopulationReport {
  readonly active: number;
  readonly queued: number;
  readonly scheduler: DispatcherReport;
  readonly warmBytes: number;
  readonly allocations: Allocations;
  /** Seconds in which agents wanted more of something than they may. */
  readonly violations: Readonly<Record<Scarce, number>>;
  readonly audit: AuditBacklog;
  /** Counters of the bus and of hibernation, by name. */
  readonly counts: Readonly<Record<string, number>>;
}
