import { mkdtempSync, rmSync } from 'node:fs';
import type * as http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Difference, differenceOf, importsOf, wantsMore } from '../agent/difference.ts';
import { type AgentRecord, type Origin, Registry } from '../agent/registry.ts';
import type { Spec } from '../agent/spec.ts';
import { SpecMaker } from '../agent/spec-maker.ts';
import { Bus } from '../bus/bus.ts';
import type { Reply as BusReply, Sender } from '../bus/delivery.ts';
import { Directory } from '../bus/directory.ts';
import type { BusError, Message, Payload } from '../bus/message.ts';
import { timerDriver } from '../clock/timer-driver.ts';
import { Wheel } from '../clock/wheel.ts';
import type { Clock, Random } from '../clock.ts';
import { createEngine, type Engine } from '../engine/engine.ts';
import { newResidence } from '../engine/residence.ts';
import { HostError } from '../errors.ts';
import type { Limits } from '../limits.ts';
import { type Manifest, parseManifest } from '../manifest.ts';
import { agentSubject, patternFault } from '../subject.ts';
import type { LogEntry } from '../telemetry/log-entry.ts';
import { type LogFilter, LogHub } from '../telemetry/log-hub.ts';
import { ExchangeProxy } from './exchange-proxy.ts';
import type {
  Accepted,
  AgentDetail,
  AgentState,
  AgentSummary,
  DeadLetter,
  Installed,
  InstallRequest,
  InvokeOptions,
  Metric,
  PublishOptions,
  Readiness,
  Reply,
  Serving,
  ServingStatus,
} from './serving.ts';
import { type AgentThreadHandle, Threads } from './threads.ts';

/** An agent as it lies on disk. */
export interface LocalAgent {
  readonly manifestPath: string;
  readonly manifest: Manifest;
  readonly component: Uint8Array<ArrayBuffer>;
}

export interface ServeOptions {
  readonly agents: readonly LocalAgent[];
  readonly stateFolder: string;
  readonly cacheFolder: string | undefined;
  /** Threads that have agents, besides the main one. */
  readonly threads: number;
  /** What the host allows at most; manifests narrow it. */
  readonly limits: Partial<Limits>;
  readonly secretsFile?: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: (entry: LogEntry) => void;
}

/** A serving host in the operator's own hands. */
export interface LocalServing extends Serving {
  /** A new version of what the operator wrote: applied also when it wants more, which `difference` then says. */
  upgrade(
    manifestPath: string,
    manifest: Manifest,
    component: Uint8Array<ArrayBuffer>,
  ): Promise<Installed & { readonly difference?: Difference }>;
}
