import { dirname, resolve } from 'node:path';
import type { Agent } from '../../agent/agent.ts';
import { groupOf } from '../../agent/parallel.ts';
import { asyncBusGuestApi } from '../../bus/async-guest-api.ts';
import type { Bus } from '../../bus/bus.ts';
import type { Sender } from '../../bus/delivery.ts';
import { type BusGuest, type BusRights, busGuestApi } from '../../bus/guest-api.ts';
import type { BusError } from '../../bus/message.ts';
import type { Capabilities } from '../../capability/capabilities.ts';
import type { Clock, Random } from '../../clock.ts';
import type { Budget } from '../../engine/budget.ts';
import { type HostInterface, Linker, WitError } from '../../engine/linker.ts';
import type { HttpGate, WasiGrants } from '../../engine/wasi/grants.ts';
import type { Flows } from '../../engine/wasi/pace.ts';
import type { Level } from '../../manifest/scheduling.ts';
import { asyncOrchestrationGuestApi } from '../../orchestration/async-guest-api.ts';
import { type OrchestrationGuest, orchestrationGuestApi } from '../../orchestration/guest-api.ts';
import { tiesGuestApi } from '../../orchestration/ties-guest-api.ts';
import { formatLogLine, type LogLevel, type LogLine, logGuestApi } from '../../telemetry/guest-api.ts';
import type { LogEntry } from '../../telemetry/log-entry.ts';
import { absentRoom } from '../absent-rooms.ts';
import type { Clearance } from '../policy/clearance.ts';
import { EffectiveRights } from '../policy/effective-rights.ts';
import { permittedReach } from '../policy/permitted-reach.ts';
import { GuestOutput } from './guest-output.ts';
import { AgentAmongNames, type ThreadNames } from './names.ts';

export interface GuestRoomsOptions {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly random: Random;
  readonly logLevelMin: LogLevel;
  readonly log: (entry: LogEntry) => void;
  /** An agent changed what it is subscribed to. */
  readonly subscribed: (agent: number) => void;
  /** What agents share. */
  readonly names: ThreadNames;
  /** What the policies say; undefined where there are none. */
  readonly clearance: Clearance | undefined;
  /** How much of disk and network an agent may use; undefined: what there is. */
  readonly flows: (agent: Agent) => Flows | undefined;
}

const none: ReadonlySet<string> = new Set();

/** What a guest can reach of the host: for each agent, every interface of ours and its grants for WASI's. */
export class GuestRooms {
  readonly #options: GuestRoomsOptions;

  constructor(options: GuestRoomsOptions) {
    this.#options = options;
  }

  /** Every interface of our own, each made when the agent's program asks for it. */
  link(agent: Agent, budget: Budget): Linker {
    return new Linker((name) => this.#offer(name, agent, budget));
  }

  #offer(name: string, agent: Agent, budget: Budget): HostInterface | undefined {
    switch (name) {
      case 'motehost:agent/bus@0.1':
        return busGuestApi(this.#busGuest(agent, budget));
      case 'motehost:agent/async-bus@0.1':
        return asyncBusGuestApi(this.#busGuest(agent, budget), this.#options.clock);
      case 'motehost:agent/orchestration@0.1':
        return orchestrationGuestApi(this.#namesGuest(agent, budget));
      case 'motehost:agent/async-orchestration@0.1':
        return asyncOrchestrationGuestApi(this.#namesGuest(agent, budget));
      case 'motehost:agent/ties@0.1':
        return tiesGuestApi(this.#namesGuest(agent, budget));
      case 'motehost:agent/log@0.1':
        return this.#logGuest(agent, budget);
      default:
        return absentRoom(name, agent, budget);
    }
  }

  #busGuest(agent: Agent, budget: Budget): BusGuest {
    const rights = this.#effective(agent, budget);
    return rights === undefined
      ? new AgentOnBus(this.#options, agent, budget, agent.capabilities)
      : new LabelledOnBus(this.#options, agent, budget, rights);
  }

  #namesGuest(agent: Agent, budget: Budget): OrchestrationGuest {
    const rights = this.#effective(agent, budget);
    return new AgentAmongNames(this.#options.names, agent, budget, this.#busGuest(agent, budget), rights);
  }

  #logGuest(agent: Agent, budget: Budget): HostInterface {
    const { logLevelMin: levelMin } = this.#options;
    const functions = logGuestApi({ levelMin, write: (line) => this.#write(agent, budget, line) });
    return { functions, suspending: none };
  }

  #write(agent: Agent, budget: Budget, line: LogLine): void {
    budget.chargeOutput(formatLogLine(line).length);
    this.#options.log(this.#entry(agent, line));
  }

  #entry(agent: Agent, { level, text, fields }: LogLine): LogEntry {
    return {
      atMs: Number(this.#options.clock.wallNs() / 1_000_000n),
      level,
      agent: agent.name,
      messageId: agent.delivery?.message.id,
      text,
      fields,
    };
  }

  /** What `wasi:*` gives the agent: its environment, files and places of its manifest, and its output goes to the log. */
  wasi(agent: Agent, budget: Budget): WasiGrants {
    const granted = this.#granted(agent);
    const rights = this.#effective(agent, budget);
    return rights === undefined ? granted : permittedReach(granted, agent.spec, rights);
  }

  /** What the manifest grants and the policies permit; undefined where there are none. */
  #effective(agent: Agent, budget: Budget): EffectiveRights | undefined {
    const { clearance } = this.#options;
    if (clearance === undefined) return undefined;
    const { name, capabilities } = agent;
    return new EffectiveRights(
      {
        name,
        capabilities,
        underWay: () => agent.delivery,
        asker: () => agent.delivery?.message.sender,
        leftMs: () => budget.deadlineLeftMs,
        denied: (what, why) => budget.deny(what, why),
      },
      clearance,
    );
  }

  #granted(agent: Agent): WasiGrants {
    const { grants } = agent.spec.manifest;
    const folder = dirname(agent.spec.manifestPath);
    const output = (level: LogLevel): GuestOutput =>
      new GuestOutput((text) => this.#options.log(this.#entry(agent, { level, text, fields: [] })));
    return {
      args: [agent.name],
      env: agent.spec.environment,
      stdin: { isTerminal: false, read: async () => undefined },
      stdout: output('info'),
      stderr: output('warn'),
      preopens: grants.files.map(({ path, guest, mode }) => ({
        hostPath: resolve(folder, path),
        guestPath: guest,
        mode,
        writeCure: () => agent.capabilities.cure('file', guest),
      })),
      net: grants.net,
      netCure: (place) => agent.capabilities.cure('net', place),
      http: this.#gate(agent),
      flows: this.#options.flows(agent),
      clock: this.#options.clock,
      random: this.#options.random,
    };
  }

  #gate(agent: Agent): HttpGate {
    const { capabilities } = agent;
    return {
      mayRequest: (asked) => capabilities.mayConnect(asked),
      cure: (asked) =>
        capabilities.cure(
          'http',
          `${asked.method} ${asked.scheme}://${asked.host}:${asked.port}${asked.path}`,
        ),
    };
  }
}

/** The agent in front of the bus, and as what it sends. */
class AgentOnBus<Rights extends BusRights = Capabilities> implements BusGuest, Sender {
  readonly #options: GuestRoomsOptions;
  readonly #agent: Agent;
  readonly #budget: Budget;
  /** Those of the version at hand: with another, this has none. */
  readonly rights: Rights;

  constructor(options: GuestRoomsOptions, agent: Agent, budget: Budget, rights: Rights) {
    this.#options = options;
    this.#agent = agent;
    this.#budget = budget;
    this.rights = rights;
  }

  get bus(): Bus {
    return this.#options.bus;
  }

  get id(): number {
    return this.#agent.id;
  }

  get name(): string {
    return this.#agent.name;
  }

  get deadlineNs(): bigint | undefined {
    return this.#agent.delivery?.message.deadlineNs;
  }

  mayUrge(level: Level): boolean {
    return this.#agent.mayUrge(level);
  }

  get group(): string | undefined {
    return groupOf(this.#agent.name, this.#agent.spec);
  }

  sender(): Sender {
    return this;
  }

  onSubscribed(): void {
    this.#options.subscribed(this.#agent.id);
  }

  /** What an agent waits for ends with its invocation (`Bus.endOf`). */
  signal(): undefined {}

  failure(error: BusError): unknown {
    return new WitError(error);
  }

  denied(what: string, cure: string): void {
    this.#budget.deny(what, cure);
  }
}

/** What it sends carries its labels. */
class LabelledOnBus extends AgentOnBus<EffectiveRights> {
  get labels(): string | undefined {
    return this.rights.labels;
  }
}
