import type * as http from 'node:http';
import { illegal } from '../../host/agent/lifecycle.ts';
import { HostError } from '../../host/errors.ts';
import type {
  Accepted,
  AgentDetail,
  AgentHandle,
  AgentProfile,
  AgentSummary,
  Approval,
  DeadLetter,
  Installed,
  InstallRequest,
  InvokeOptions,
  LogEntry,
  LogFilter,
  Message,
  Metric,
  Payload,
  Principal,
  PublishOptions,
  Readiness,
  Reply,
  Serving,
  ServingStatus,
  SupervisorStatus,
  ThreadScheduling,
} from '../../host/host/serving.ts';
import type { Usage } from '../../host/outcome.ts';
import { isPattern, matches } from '../../host/subject.ts';
import { type MetricsSnapshot, readSnapshot } from '../../host/telemetry/metrics-snapshot.ts';

/** What an agent of `MemoryServing` does with a message. */
export type Behaviour = (payload: Payload, options: InvokeOptions) => Reply | Promise<Reply>;

export const usage: Usage = { fuel: 12n, memoryBytes: 65_536, wallMs: 0.25, outputBytes: 0 };

export function answered(value: Uint8Array | undefined, contentType?: string): Reply {
  return { kind: 'answered', id: 'm-1', outcome: { kind: 'ok', value, usage }, contentType };
}

interface Subscriber {
  readonly pattern: string;
  readonly group: string | undefined;
  readonly listener: (message: Message) => void;
}

/** A serving host whose agents are functions of this process: the port in full, without engine or threads. */
const noScheduling: ThreadScheduling = {
  policy: { policy: 'fair-share', inForce: 'fair-share', asked: 0 },
  admission: { admission: 'queue', judged: 0, refused: 0 },
  queued: { realtime: 0, critical: 0, high: 0, normal: 0, low: 0, batch: 0 },
  starts: 0,
  slices: 0,
  preemptions: 0,
  aged: 0,
  latenessMs: 0,
  latenessMsMax: 0,
};

const someProfile: AgentProfile = {
  executionMs: 0.1,
  messagesPerSecond: 0,
  cpuIntensity: 0.5,
  kind: 'mixed',
};

const someSnapshot: MetricsSnapshot = {
  timestamp: 1_700_000_000,
  scheduler: {
    total_scheduled: 10,
    uptime_seconds: 3600,
    running_agents: 5,
    queued_agents: 3,
    suspended_agents: 2,
    max_capacity: 1000,
    load_factor: 0.005,
  },
  task_manager: { total_tasks: 5, healthy_tasks: 4, average_uptime_seconds: 1800, total_memory_usage: 1024 },
  load_balancer: {
    total_allocations: 100,
    active_allocations: 5,
    memory_utilization: 0.45,
    cpu_utilization: 0.3,
    allocation_failures: 2,
    average_allocation_time_ms: 1.5,
  },
  system: { memory_usage_mb: 512, cpu_usage_percent: 30 },
  compaction: null,
};

export class MemoryServing implements Serving {
  readonly behaviours: Map<string, Behaviour> = new Map();
  readonly details: Map<string, AgentDetail> = new Map();
  readonly subscribers: Set<Subscriber> = new Set();
  readonly followers: Set<(entry: LogEntry) => void> = new Set();
  readonly logs: LogEntry[] = [];
  readonly letters: DeadLetter[] = [];
  readonly sent: Message[] = [];
  readonly sites: Map<string, http.RequestListener> = new Map();
  readonly installs: InstallRequest[] = [];
  /** Agents that are held. */
  readonly held: Set<string> = new Set();
  /** What was said to go on: `NAME retry`, `NAME drop`. */
  readonly resumed: string[] = [];
  readonly pulled: string[] = [];
  readonly extra: Metric[] = [];
  waitingFor: readonly string[] = [];
  #sequence = 0;

  /** `echo` answers with what it was sent. */
  constructor() {
    this.add('echo', (payload) => answered(payload.body));
  }

  add(name: string, behaviour: Behaviour): void {
    this.behaviours.set(name, behaviour);
    this.details.set(name, detailOf(name, 'a'.repeat(64), ''));
  }

  readiness(): Readiness {
    return this.waitingFor.length === 0 ? { ready: true } : { ready: false, waitingFor: this.waitingFor };
  }

  async status(): Promise<ServingStatus> {
    const agents = {
      ready: 0,
      starting: 0,
      idle: 1,
      running: 0,
      waiting: 0,
      hibernated: 0,
      cold: 0,
      held: 0,
      paused: 0,
      stopped: 0,
      failed: 0,
    };
    const thread = { thread: 1, agents: 1, active: 0, handled: 3, fuel: 2n ** 60n, memories: 1 };
    return {
      version: '0.1.0',
      startedAtMs: 1_700_000_000_000,
      agents,
      lifecycle: { ...noLives, ready: 1 },
      memories: { live: 1, max: 12_000 },
      threads: [{ ...thread, heapBytes: 1_000_000, utilisation: 0.25, scheduling: noScheduling }],
      stealing: { steals: 0, moved: 0, refused: 0 },
      deadLetters: this.letters.length,
    };
  }

  async metrics(): Promise<readonly Metric[]> {
    return this.extra;
  }

  async snapshot(): Promise<MetricsSnapshot> {
    return readSnapshot(JSON.stringify(someSnapshot));
  }

  async agents(after: string | undefined, max: number, prefix = ''): Promise<readonly AgentSummary[]> {
    return [...this.details.values()]
      .filter(({ name }) => (after === undefined || name > after) && name.startsWith(prefix))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .slice(0, max)
      .map(summaryOf);
  }

  async agent(name: string): Promise<AgentDetail> {
    const detail = this.details.get(name);
    if (detail === undefined) throw unknown(name);
    return detail;
  }

  async install(request: InstallRequest): Promise<Installed> {
    this.installs.push(request);
    const name = /^name = "([^"]+)"$/m.exec(request.manifest)?.[1];
    if (name === undefined) throw new HostError('HOST_ERR_CONFIG_INVALID', 'agent.toml: name is missing');
    const digest = `${request.component.length}`.padStart(64, '0');
    const present = this.details.get(name);
    if (present !== undefined && request.manifest.includes('[capabilities') && request.accept !== digest) {
      const difference = { fromDigest: present.digest, toDigest: digest, newImports: [], droppedImports: [] };
      const newGrants = ['[capabilities.bus] send += "agent.audit"'];
      return { kind: 'wants-more', difference: { ...difference, newGrants, droppedGrants: [] } };
    }
    const agent = detailOf(name, digest, request.manifest);
    this.details.set(name, agent);
    this.behaviours.set(name, (payload) => answered(payload.body));
    return { kind: present === undefined ? 'installed' : 'upgraded', agent };
  }

  async remove(name: string): Promise<void> {
    if (!this.details.delete(name)) throw unknown(name);
    this.behaviours.delete(name);
  }

  readonly trees: SupervisorStatus[] = [];
  /** Trees that were started anew. */
  readonly restarted: string[] = [];

  supervisors(): readonly SupervisorStatus[] {
    return this.trees;
  }

  async restartSupervisor(name: string): Promise<void> {
    if (!this.trees.some((one) => one.name === name && one.parent === undefined))
      throw new HostError('HOST_ERR_SUPERVISOR_UNKNOWN', `no supervision tree '${name}' here`);
    this.restarted.push(name);
  }

  readonly waiting: Approval[] = [];
  readonly answers: {
    readonly id: string;
    readonly isApproved: boolean;
    readonly by: string;
    readonly reason: string;
  }[] = [];

  approvals(): readonly Approval[] {
    return this.waiting;
  }

  answerApproval(id: string, isApproved: boolean, { name: by }: Principal, reason: string): void {
    const at = this.waiting.findIndex((one) => one.id === id);
    if (at < 0) throw new HostError('HOST_ERR_POLICY_APPROVAL_UNKNOWN', `nothing waits as '${id}'`, { id });
    this.waiting.splice(at, 1);
    this.answers.push({ id, isApproved, by, reason });
  }

  async resume(name: string, isDropped: boolean): Promise<boolean> {
    if (!this.details.has(name)) throw unknown(name);
    if (!this.held.delete(name)) return false;
    this.resumed.push(`${name} ${isDropped ? 'drop' : 'retry'}`);
    return true;
  }

  handle(name: string): AgentHandle {
    const agent = (): Promise<AgentDetail> => this.agent(name);
    const pull = async (rein: string): Promise<void> => {
      await agent();
      if (this.held.has(name)) throw illegal(name, 'suspended', 'suspended');
      this.pulled.push(`${rein} ${name}`);
    };
    const both = async (tie: string, other: string): Promise<number> => {
      for (const one of [name, other]) await this.agent(one);
      return this.pulled.push(`${tie} ${name} ${other}`);
    };
    return {
      name,
      pause: () => pull('pause'),
      stop: () => pull('stop'),
      kill: () => pull('kill'),
      resume: () => this.resume(name, false),
      link: async (other) => void (await both('link', other)),
      unlink: async (other) => this.pulled.includes(`link ${name} ${other}`),
      monitor: (other) => both('monitor', other),
      demonitor: async (monitor) => this.pulled[monitor - 1]?.startsWith('monitor') === true,
      ties: async () => [{ kind: 'link', agent: (await agent()).name, monitor: undefined }],
      state: async () => (await agent()).lifecycle,
      metrics: agent,
      wait: async ({ states = [] } = {}) => {
        const { lifecycle } = await agent();
        return states.includes(lifecycle) ? lifecycle : undefined;
      },
    };
  }

  async invoke(name: string, payload: Payload, options: InvokeOptions): Promise<Reply> {
    const behaviour = this.behaviours.get(name);
    if (behaviour === undefined) throw unknown(name);
    return behaviour(payload, options);
  }

  async request(subject: string, payload: Payload, options: InvokeOptions): Promise<Reply> {
    const behaviour = this.behaviours.get(subject);
    if (behaviour === undefined) return { kind: 'refused', reason: 'no-responders', retryAfterMs: undefined };
    return behaviour(payload, options);
  }

  async send(name: string, payload: Payload, options: PublishOptions): Promise<Accepted> {
    if (!this.behaviours.has(name)) throw unknown(name);
    const isRepeated = this.sent.some(({ id }) => id === options.messageId);
    const message = this.#message(`agent.${name}`, payload, options);
    if (!isRepeated) this.sent.push(message);
    return { id: message.id, receivers: isRepeated ? 0 : 1 };
  }

  async publish(subject: string, payload: Payload, options: PublishOptions): Promise<Accepted> {
    const message = this.#message(subject, payload, options);
    const found = [...this.subscribers].filter(({ pattern }) => matches(pattern, subject));
    for (const { listener } of found) listener(message);
    return { id: message.id, receivers: found.length };
  }

  subscribe(pattern: string, group: string | undefined, listener: (message: Message) => void): () => void {
    if (!isPattern(pattern)) throw new HostError('HOST_ERR_SUBJECT_INVALID', `'${pattern}' is no pattern`);
    const subscriber = { pattern, group, listener };
    this.subscribers.add(subscriber);
    return () => this.subscribers.delete(subscriber);
  }

  log(entry: Partial<LogEntry>): void {
    const whole: LogEntry = {
      atMs: 1,
      level: 'info',
      agent: 'echo',
      messageId: undefined,
      text: '',
      fields: [],
      ...entry,
    };
    this.logs.push(whole);
    for (const follower of this.followers) follower(whole);
  }

  recentLogs({ agent }: LogFilter, max: number): readonly LogEntry[] {
    return this.logs.filter((entry) => agent === undefined || entry.agent === agent).slice(-max);
  }

  followLogs({ agent }: LogFilter, listener: (entry: LogEntry) => void): () => void {
    const follower = (entry: LogEntry): void => {
      if (agent === undefined || entry.agent === agent) listener(entry);
    };
    this.followers.add(follower);
    return () => this.followers.delete(follower);
  }

  async deadLetters(max: number): Promise<readonly DeadLetter[]> {
    return this.letters.slice(0, max);
  }

  async messageProof(): Promise<string | undefined> {
    return undefined;
  }

  async retryDeadLetter(id: string): Promise<boolean> {
    return this.dropDeadLetter(id);
  }

  async dropDeadLetter(id: string): Promise<boolean> {
    const at = this.letters.findIndex(({ message }) => message.id === id);
    if (at >= 0) this.letters.splice(at, 1);
    return at >= 0;
  }

  routeOf(path: string): string | undefined {
    return [...this.sites.keys()].find((route) => path === route || path.startsWith(`${route}/`));
  }

  async exchange(agent: string, request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const listener = this.sites.get(agent);
    if (listener === undefined) throw unknown(agent);
    const { promise, resolve } = Promise.withResolvers<void>();
    response.once('close', resolve);
    listener(request, response);
    await promise;
  }

  async close(): Promise<void> {}

  #message(subject: string, payload: Payload, { messageId }: PublishOptions): Message {
    this.#sequence += 1;
    return {
      ...payload,
      id: messageId ?? `m-${this.#sequence}`,
      subject,
      sender: undefined,
      replyTo: undefined,
      sentAtNs: 1_700_000_000_123_456_789n,
      deadlineNs: undefined,
      attempt: 1,
    };
  }
}

function unknown(name: string): HostError {
  return new HostError('HOST_ERR_AGENT_UNKNOWN', `there is no agent '${name}'; host agents lists them`, {
    name,
  });
}

function detailOf(name: string, digest: string, manifest: string): AgentDetail {
  return {
    name,
    state: 'idle',
    lifecycle: 'ready',
    digest,
    world: 'handler',
    thread: 1,
    threads: [1],
    instances: 1,
    mailboxDepth: 0,
    handled: 0,
    failed: 0,
    memoryBytes: 65_536,
    fuel: 0n,
    route: undefined,
    parent: undefined,
    children: [],
    profile: someProfile,
    scheduling: { level: 'normal', weight: 1, turns: 3, share: 0.25, waitMs: 1.5 },
    manifestPath: undefined,
    manifest,
    imports: [],
    signedBy: undefined,
    installedAtMs: 1_700_000_000_000,
    earlier: [],
    subscriptions: [],
    triggers: [],
    underWayMs: undefined,
    lastError: undefined,
    losses: 0,
    circuit: undefined,
    isReady: undefined,
  };
}

function summaryOf(detail: AgentDetail): AgentSummary {
  const { name, state, lifecycle, digest, world, thread, mailboxDepth } = detail;
  const { handled, failed, memoryBytes, fuel, route, parent, profile, threads, instances, scheduling } =
    detail;
  const counts = { handled, failed, memoryBytes, fuel };
  const place = { thread, threads, instances, mailboxDepth };
  return { name, state, lifecycle, digest, world, ...place, ...counts, route, parent, profile, scheduling };
}

const noLives = {
  created: 0,
  initializing: 0,
  ready: 0,
  running: 0,
  waiting: 0,
  suspended: 0,
  completed: 0,
  failed: 0,
  terminating: 0,
  terminated: 0,
  unreachable: 0,
};
