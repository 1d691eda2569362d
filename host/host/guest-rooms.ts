import { dirname, resolve } from 'node:path';
import type { Agent } from '../agent/agent.ts';
import { asyncBusGuestApi } from '../bus/async-guest-api.ts';
import type { Bus } from '../bus/bus.ts';
import type { Sender } from '../bus/delivery.ts';
import { type BusGuest, busGuestApi } from '../bus/guest-api.ts';
import type { Clock, Random } from '../clock.ts';
import type { Budget } from '../engine/budget.ts';
import { Linker, WitError } from '../engine/linker.ts';
import type { HttpGate, WasiGrants } from '../engine/wasi/grants.ts';
import { formatLogLine, type LogLevel, type LogLine, logGuestApi } from '../telemetry/guest-api.ts';
import type { LogEntry } from '../telemetry/log-entry.ts';
import { absentRooms } from './absent-rooms.ts';
import type { Clearance } from './clearance.ts';
import { EffectiveRights } from './effective-rights.ts';
import { GuestOutput } from './guest-output.ts';
import { permittedReach } from './permitted-reach.ts';

export interface GuestRoomsOptions {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly random: Random;
  readonly logLevelMin: LogLevel;
  readonly log: (entry: LogEntry) => void;
  /** An agent changed what it is subscribed to. */
  readonly subscribed: (agent: number) => void;
  /** What the policies say; undefined where there are none. */
  readonly clearance: Clearance | undefined;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** What a guest can reach of the host: for each agent, every interface of ours and its grants for WASI's. */
export class GuestRooms {
  readonly #options: GuestRoomsOptions;

  constructor(options: GuestRoomsOptions) {
    this.#options = options;
  }

  /** Every interface of our own. */
  link(agent: Agent, budget: Budget): Linker {
    const linker = new Linker();
    const denied = (what: string, cure: string): void => budget.deny(what, cure);
    const absent = absentRooms(() => agent.capabilities, denied);
    for (const [name, offered] of Object.entries(absent)) linker.define(name, offered);
    const guest = this.#busGuest(agent, budget);
    linker.define('motehost:agent/bus@0.1.0', busGuestApi(guest));
    linker.define('motehost:agent/async-bus@0.1.0', asyncBusGuestApi(guest, this.#options.clock));
    const log = logGuestApi({
      levelMin: this.#options.logLevelMin,
      write: (line) => this.#write(agent, budget, line),
    });
    return linker.define('motehost:agent/log@0.1.0', { functions: log, suspending: new Set() });
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

  #busGuest(agent: Agent, budget: Budget): BusGuest {
    const { bus, subscribed } = this.#options;
    const effective = this.#effective(agent, budget);
    const sender: Writable<Sender> = { id: agent.id, name: agent.name, deadlineNs: undefined };
    return {
      bus,
      rights: effective ?? agent.capabilities,
      onSubscribed: () => subscribed(agent.id),
      sender: () => {
        sender.deadlineNs = agent.delivery?.message.deadlineNs;
        if (effective !== undefined) sender.labels = effective.labels;
        return sender;
      },
      // What an agent waits for ends with its invocation (`Bus.endOf`).
      signal: () => undefined,
      failure: (error) => new WitError(error),
      denied: (what, cure) => budget.deny(what, cure),
    };
  }

  /** What `wasi:*` gives the agent: its environment, files and places of its manifest, and its output goes to the log. */
  wasi(agent: Agent, budget: Budget): WasiGrants {
    const granted = this.#granted(agent);
    const rights = this.#effective(agent, budget);
    return rights === undefined ? granted : permittedReach(granted, agent.spec, rights);
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
      })),
      net: grants.net,
      http: this.#gate(agent),
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
