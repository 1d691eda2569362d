import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { Agent, type AgentNote, type Surroundings } from '../../host/agent/agent.ts';
import type { CallOutcome } from '../../host/agent/calls.ts';
import { ColdStates } from '../../host/agent/cold-states.ts';
import { Launcher } from '../../host/agent/launcher.ts';
import { MemoryRoom } from '../../host/agent/memory-room.ts';
import type { Spec } from '../../host/agent/spec.ts';
import { unavailableInterfaces } from '../../host/agent/unavailable.ts';
import { Delivery } from '../../host/bus/delivery.ts';
import { systemRandom } from '../../host/clock.ts';
import type { ColdStore } from '../../host/engine/cold-store/cold-store.ts';
import { SegmentStore } from '../../host/engine/cold-store/segment-store.ts';
import { createEngine, type Engine } from '../../host/engine/engine.ts';
import { InstancePools } from '../../host/engine/hibernation/instance-pools.ts';
import { Linker } from '../../host/engine/linker.ts';
import { prepareProgram } from '../../host/engine/prepare.ts';
import { loadProgram, type Program } from '../../host/engine/program.ts';
import { newResidence, Residence, type ResidenceShare } from '../../host/engine/residence.ts';
import { HostError } from '../../host/errors.ts';
import { defaultLimits } from '../../host/limits.ts';
import { parseManifest } from '../../host/manifest.ts';
import { noGrants } from '../engine/wasi/preview2/grants.ts';
import { writtenAgent } from '../support/written-agent.ts';
import { TurnedClock } from './turned-clock.ts';

/** Answers how many messages it had; `scale` makes another program of it. */
export async function counterProgram(scale = 1): Promise<Program> {
  const { bytes } = await writtenAgent(`import { Message, Reply, reply } from "motehost:agent";
let count: u32 = 0;
export function handle(message: Message): Reply {
  count += ${scale};
  return reply(Uint8Array.wrap(String.UTF8.encode(count.toString())));
}`);
  return loadProgram(await prepareProgram(new Uint8Array(bytes), () => {}));
}

/** A disk that a test can hold up or fill. */
class HeldStore implements ColdStore {
  readonly #store: SegmentStore;
  held: PromiseWithResolvers<void> | undefined;
  isFull = false;
  puts = 0;

  constructor(store: SegmentStore) {
    this.#store = store;
  }

  get size(): number {
    return this.#store.size;
  }

  async put(...[name, snapshot]: Parameters<ColdStore['put']>): Promise<number> {
    this.puts += 1;
    await this.held?.promise;
    if (this.isFull) throw new HostError('HOST_ERR_STATE_UNWRITABLE', 'the disk is full');
    return this.#store.put(name, snapshot);
  }

  get(name: string): ReturnType<ColdStore['get']> {
    return this.#store.get(name);
  }

  delete(name: string, generation?: number): Promise<boolean> {
    return this.#store.delete(name, generation);
  }

  has(name: string): boolean {
    return this.#store.has(name);
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}

export interface MemoryThreadOptions {
  readonly memoriesMax?: number;
  readonly warmBytesMax?: number;
  /** The bounds of a process whose other threads are there, too. */
  readonly share?: ResidenceShare;
  readonly thread?: number;
}

/** What one thread's agents live on, real but for the clock and the bus; its own folder is the disk. */
export class MemoryThread {
  readonly clock: TurnedClock = new TurnedClock('2026-01-01T00:00:00Z');
  readonly residence: Residence;
  readonly pools: InstancePools;
  readonly room: MemoryRoom;
  readonly store: HeldStore;
  readonly notes: AgentNote[] = [];
  /** What became of states that are no good. */
  readonly lost: string[] = [];
  readonly cooled: string[] = [];
  readonly #cold: ColdStates;
  readonly #launcher: Launcher;
  readonly #engine: Engine;
  readonly #folder: string;
  readonly #asked = new Map<Delivery, (outcome: CallOutcome) => void>();
  #ids = 0;

  private constructor(folder: string, store: SegmentStore, options: MemoryThreadOptions) {
    const { memoriesMax = 100, warmBytesMax = 1e9, thread = 0 } = options;
    this.#folder = folder;
    this.store = new HeldStore(store);
    const share = options.share ?? newResidence(2, { memoriesMax, stacksPerThreadMax: 100 });
    this.residence = new Residence(share, thread);
    this.pools = new InstancePools({ residence: this.residence });
    this.#engine = createEngine({ cacheFolder: undefined, clock: this.clock, pools: this.pools });
    this.#cold = new ColdStates(this.store, (error) => this.lost.push(error.code));
    this.room = new MemoryRoom({
      clock: this.clock,
      warmBytesMax,
      pooled: () => this.pools.idle,
      spare: () => this.pools.idle + this.residence.dropped,
      reclaim: async (instances) => {
        this.pools.shrink(instances);
        await this.residence.collect();
      },
      neighbours: this.residence,
      cool: (agent, snapshot) => this.#cold.put(agent.name, snapshot),
      uncool: (agent) => this.#cold.drop(agent.name),
      cooled: (agent) => this.cooled.push(agent.name),
    });
    this.#launcher = new Launcher({
      engine: this.#engine,
      room: this.room,
      cold: this.#cold,
      link: linkerOf,
      wasi: () => noGrants,
      account: () => {},
      wallMs: () => 0,
      onLost: (_agent, error) => this.lost.push(error.code),
    });
  }

  static async open(options: MemoryThreadOptions = {}): Promise<MemoryThread> {
    const folder = mkdtempSync(join(tmpdir(), 'motehost-room-'));
    const clock = new TurnedClock('2026-01-01T00:00:00Z');
    return new MemoryThread(folder, await SegmentStore.open({ folder, clock }), options);
  }

  agent(program: Program, manifest = ''): Agent {
    this.#ids += 1;
    return new Agent(this.#ids, `agent-${this.#ids}`, specOf(program, manifest), this.#surroundings());
  }

  #surroundings(): Surroundings {
    return {
      clock: this.clock,
      random: systemRandom,
      turn: { isWanted: () => false, giveWay: () => turn(), charge: () => {} },
      launch: (agent, saved, budget, deadlineMs) => this.#launcher.launch(agent, saved, budget, deadlineMs),
      idle: (agent) => this.room.idle(agent),
      busy: (agent) => this.room.busy(agent),
      kept: (agent, saved) => this.room.kept(agent, saved),
      released: (agent, saved) => this.room.released(agent, saved),
      arm: () => 0,
      disarm: () => {},
      ready: () => {},
      hasWork: () => false,
      rested: () => {},
      discard: () => {},
      stopped: () => {},
      handled: (agent, delivery, outcome) => {
        agent.leaveTurn();
        this.#asked.get(delivery)?.(outcome);
      },
      record: () => undefined,
      hold: () => undefined,
      release: () => undefined,
      turned: () => undefined,
      note: (_agent, what) => this.notes.push(what),
    };
  }

  /** What it answers, or the tag of its failure, or the kind of another outcome. */
  async ask(agent: Agent, deadlineMs?: number): Promise<string> {
    const untilMs =
      deadlineMs === undefined ? Number.POSITIVE_INFINITY : this.clock.monotonicMs() + deadlineMs;
    const message = {
      id: 'one',
      subject: `agent.${agent.name}`,
      sender: undefined,
      replyTo: undefined,
      sentAtNs: 0n,
      deadlineNs: undefined,
      attempt: 1,
      traceparent: undefined,
      tracestate: undefined,
      contentType: undefined,
      headers: [],
      body: new Uint8Array(),
    };
    const delivery = new Delivery(message, agent.id, 0, 'at-most-once', 0, 0, 0, untilMs);
    const outcome = await new Promise<CallOutcome>((resolve) => {
      this.#asked.set(delivery, resolve);
      agent.handle(delivery);
    });
    this.#asked.delete(delivery);
    if (outcome.kind === 'ok') return new TextDecoder().decode(outcome.value);
    return outcome.kind === 'error' ? (outcome.failure as { readonly tag: string }).tag : outcome.kind;
  }

  async sweepAfter(ms: number): Promise<void> {
    await this.clock.pass(ms);
    await this.room.sweep();
  }

  /** What the thread does when an agent is removed. */
  async remove(agent: Agent): Promise<void> {
    await agent.end('requested');
    await this.#cold.drop(agent.name);
  }

  async close(): Promise<void> {
    await this.store.close();
    await this.#engine.close();
    rmSync(this.#folder, { recursive: true });
  }
}

export function specOf(program: Program, manifest = ''): Spec {
  const text = `name = "agent"\ncomponent = "agent.wasm"\n${manifest}`;
  return {
    number: 1,
    program,
    manifest: parseManifest(text, 'agent.toml'),
    manifestPath: 'agent.toml',
    limits: defaultLimits,
    settings: [],
    environment: [],
  };
}

function linkerOf(): Linker {
  const linker = new Linker();
  for (const [name, offered] of Object.entries(unavailableInterfaces)) linker.define(name, offered);
  const log = { enabled: () => false, write: () => {} };
  return linker.define('motehost:agent/log@0.1.0', { functions: log, suspending: new Set() });
}
