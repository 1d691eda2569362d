import { HostError } from '../../errors.ts';
import type { Budget } from '../budget.ts';
import { FastInstance } from '../fast-lane/fast-lane.ts';
import { linkImports } from '../fast-lane/linked.ts';
import type { FastPlan } from '../fast-lane/plan.ts';
import { programOf } from '../fast-lane/program.ts';
import type { Linker } from '../linker.ts';
import type { ModuleSummary } from '../meter/summary.ts';
import { type Program, type Saveable, saveableOf } from '../program.ts';
import type { Residence } from '../residence.ts';
import { artifactVersion } from '../version.ts';
import { BaseImage } from './base-image.ts';
import { Lease, type Lessor } from './lease.ts';
import { owned } from './scratch.ts';
import { type Asleep, checkSnapshot, pageBytes, type SavedMemory, type Snapshot } from './snapshot.ts';

/** An instance that is as its module begins, and nobody's. */
interface Idle {
  readonly instance: FastInstance;
  readonly pages: readonly number[];
}

/** What all pools of a thread share. */
export interface PoolRoom {
  readonly residence: Residence | undefined;
  /** Whether one more idle instance of so many bytes may be kept; makes room if it can. */
  admit(pool: InstancePool, bytes: number): boolean;
  /** Idle instances and their bytes, as they come and go. */
  count(instances: number, bytes: number): void;
}

/**
 * Bytes of memory that what an agent left when it failed or ended may have to be cleared for the next. More takes
 * milliseconds, and nobody begins with as much.
 */
const recycledBytesMax = 1024 * 1024;

/**
 * Makes the instances of one fast-lane program in one thread, and keeps those of agents that hibernate or end
 * for the next: cleared of everything the agent left, bound to nobody. So are those of agents that trapped: an agent
 * that keeps failing would make the collector work for all others. One of a program whose state cannot be told, or that
 * ended in the middle of asynchronous calls, is never used again.
 */
export class InstancePool implements Lessor {
  readonly program: Program;
  readonly saveable: Saveable;
  readonly #module: WebAssembly.Module;
  readonly #plan: FastPlan;
  readonly #summary: ModuleSummary;
  readonly #room: PoolRoom;
  /** The last one is used first. */
  readonly #idle: Idle[] = [];
  #image: BaseImage | undefined;

  constructor(program: Program, room: PoolRoom) {
    const { plan, modules } = program.facts;
    const [module] = program.modules;
    const summary = modules[0]?.summary;
    if (plan === undefined || module === undefined || summary === undefined)
      throw new Error('bug: a pool for a program of another lane');
    this.program = program;
    this.saveable = saveableOf(program);
    this.#module = module;
    this.#plan = plan;
    this.#summary = summary;
    this.#room = room;
  }

  get idle(): number {
    return this.#idle.length;
  }

  /**
   * An instance for a new life of an agent; its start functions have run.
   * @throws HostError `HOST_ERR_LINK_MISSING_IMPORT`, `HOST_ERR_BUDGET_EXHAUSTED`
   * @throws Trap when a start function ended abnormally; Stopped when what it begins with is over a limit
   */
  async spawn(linker: Linker, budget: Budget): Promise<Lease> {
    const { functions, suspending } = linkImports(programOf(this.#plan), linker);
    budget.admit(this.#plan.memoryPages, this.#plan.tableElements);
    const instance = this.#take(undefined, suspending) ?? this.#make(suspending);
    instance.bind(functions, budget);
    try {
      await instance.start();
      return new Lease(instance, this);
    } catch (thrown) {
      this.#drop(instance);
      throw thrown;
    }
  }

  /**
   * An instance that goes on where the snapshot was taken; no code runs.
   * @throws HostError `HOST_ERR_SNAPSHOT_MISMATCH` for a snapshot of another program,
   *   `HOST_ERR_SNAPSHOT_CORRUPT`, `HOST_ERR_LINK_MISSING_IMPORT`, `HOST_ERR_BUDGET_EXHAUSTED`
   * @throws Stopped when the memories alone are over a limit
   */
  wake(asleep: Snapshot | Asleep, linker: Linker, budget: Budget): Lease {
    const snapshot = 'snapshot' in asleep ? asleep.snapshot : asleep;
    this.#requireOwn(snapshot);
    const { functions, suspending } = linkImports(programOf(this.#plan), linker);
    const pages = snapshot.memories.map((memory) => memory.pages);
    budget.admit(total(pages), this.#plan.tableElements);
    const instance =
      this.#take(pages, suspending) ?? this.#take(undefined, suspending) ?? this.#make(suspending);
    instance.bind(functions, budget);
    try {
      this.#restore(instance, snapshot, pages);
      instance.resume();
      return new Lease(instance, this);
    } catch (thrown) {
      this.#drop(instance);
      throw thrown;
    }
  }

  /**
   * The agent's state, which stays where it is.
   * @throws HostError `HOST_ERR_INSTANCE_BUSY`, `HOST_ERR_INSTANCE_CLOSED` unless it is between two messages,
   *   `HOST_ERR_MODULE_UNSUPPORTED` when `saveable` says so
   */
  save(lease: Lease): Snapshot {
    return this.#save(lease, false);
  }

  #save({ instance }: Lease, isBorrowing: boolean): Snapshot {
    const { exports, unsaveable, laneState } = instance;
    if (!this.saveable.possible)
      throw new HostError(
        'HOST_ERR_MODULE_UNSUPPORTED',
        `the program's agents cannot hibernate: ${this.saveable.reason}; set [hibernate] after = "never"`,
      );
    if (unsaveable !== undefined) throw unsaveable;
    const image = this.#imageOf(exports);
    const extra = laneState?.save();
    return {
      program: this.program.facts.digest,
      version: artifactVersion,
      memories: image.saveMemories(exports, isBorrowing),
      globals: image.saveGlobals(exports),
      ...(extra === undefined ? {} : { extra }),
    };
  }

  /**
   * Takes the agent out of memory: its state, or what `keep` makes of it, who does not hold on to its arrays; and the
   * instance is free for another. @throws as `save`
   */
  hibernate(lease: Lease): Snapshot;
  hibernate<T>(lease: Lease, keep: (borrowed: Snapshot) => T): T;
  hibernate(lease: Lease, keep: (borrowed: Snapshot) => unknown = owned): unknown {
    const snapshot = this.#save(lease, true);
    const instance = lease.end();
    if (instance !== undefined) this.#keep(instance, snapshot.memories);
    return keep(snapshot);
  }

  /** What a lease's end gives back. The instance is used again if it is sound and small, whatever the agent left in it. */
  recycle(instance: FastInstance): void {
    const isSmall = instance.budget.memoryBytes <= recycledBytesMax;
    if (isSmall && this.saveable.possible && instance.isReusable)
      this.#keep(instance, this.#imageOf(instance.exports).dirty(instance.exports));
    else this.#drop(instance);
  }

  /** Drops up to `count` idle instances, the longest unused first; how many it dropped. */
  shrink(count: number): number {
    const dropped = this.#idle.splice(0, count);
    for (const idle of dropped) this.#discard(idle);
    return dropped.length;
  }

  #requireOwn(snapshot: Snapshot): void {
    const { digest } = this.program.facts;
    if (snapshot.program !== digest || snapshot.version !== artifactVersion)
      throw new HostError(
        'HOST_ERR_SNAPSHOT_MISMATCH',
        'the saved state belongs to another version of the program or of this host; the agent begins anew',
        {
          program: snapshot.program,
          version: snapshot.version,
          wanted: digest,
          wantedVersion: artifactVersion,
        },
      );
    checkSnapshot(snapshot, this.#summary);
  }

  #restore(instance: FastInstance, snapshot: Snapshot, pages: readonly number[]): void {
    const { exports } = instance;
    const image = this.#imageOf(exports);
    for (const [index, memory] of image.memoriesOf(exports).entries())
      this.#grow(instance, memory, pages[index] as number);
    image.restoreMemories(exports, snapshot.memories);
    image.restoreGlobals(exports, snapshot.globals);
    if (snapshot.extra === undefined) return;
    if (instance.laneState === undefined)
      throw new Error('bug: a snapshot with state that this lane does not have');
    instance.laneState.restore(snapshot.extra);
  }

  /** @throws HostError `HOST_ERR_BUDGET_EXHAUSTED` when the process, or the engine, has no room */
  #grow(instance: FastInstance, memory: WebAssembly.Memory, pages: number): void {
    const more = pages - memory.buffer.byteLength / pageBytes;
    if (more === 0) return;
    const { residence } = this.#room;
    if (residence !== undefined && instance.growth?.tryGrow(more) === false) throw residence.outOfBytes(more);
    try {
      memory.grow(more);
    } catch (thrown) {
      instance.growth?.tryGrow(-more);
      throw refused(thrown);
    }
  }

  /** An idle instance with memories of exactly this size, or of the size the module begins with. */
  #take(pages: readonly number[] | undefined, suspending: readonly boolean[]): FastInstance | undefined {
    const wanted = pages ?? this.#image?.pages;
    if (wanted === undefined) return undefined;
    for (let index = this.#idle.length - 1; index >= 0; index -= 1) {
      const idle = this.#idle[index] as Idle;
      if (!isSame(idle.pages, wanted) || !isSame(idle.instance.suspending, suspending)) continue;
      this.#idle.splice(index, 1);
      this.#room.count(-1, -bytesOf(idle.pages));
      return idle.instance;
    }
    return undefined;
  }

  #make(suspending: readonly boolean[]): FastInstance {
    const { residence } = this.#room;
    const memories = this.#summary.memories.length;
    const isWide = this.#summary.memories.some(({ index64 }) => index64);
    const held = residence?.acquireMemories(memories, this.#plan.memoryPages, isWide);
    const instance = new FastInstance(programOf(this.#plan), this.#module, suspending);
    instance.growth = held;
    try {
      instance.instantiate();
    } catch (thrown) {
      residence?.releaseMemories(memories, held?.pages);
      throw refused(thrown);
    }
    for (const [index, { exportName }] of this.#summary.memories.entries())
      residence?.releaseWith(
        instance.exports[exportName] as WebAssembly.Memory,
        1,
        index === 0 ? held : undefined,
      );
    if (this.saveable.possible) this.#imageOf(instance.exports);
    return instance;
  }

  /** Made of the first instance, before anything runs in it. */
  #imageOf(exports: WebAssembly.Instance['exports']): BaseImage {
    this.#image ??= new BaseImage(this.#summary, exports);
    return this.#image;
  }

  #keep(instance: FastInstance, dirty: readonly Pick<SavedMemory, 'blocks'>[]): void {
    const { exports } = instance;
    const image = this.#imageOf(exports);
    const pages = image.pagesOf(exports);
    if (!this.#room.admit(this, bytesOf(pages))) {
      this.#drop(instance);
      return;
    }
    image.clear(exports, dirty);
    instance.vacate();
    this.#idle.push({ instance, pages });
    this.#room.count(1, bytesOf(pages));
  }

  #discard({ instance, pages }: Idle): void {
    this.#room.count(-1, -bytesOf(pages));
    this.#drop(instance);
  }

  #drop(instance: FastInstance): void {
    instance.dispose();
    this.#room.residence?.noteDropped(this.#summary.memories.length, instance.growth?.pages);
  }
}

const total = (numbers: readonly number[]): number => numbers.reduce((sum, each) => sum + each, 0);
const bytesOf = (pages: readonly number[]): number => total(pages) * pageBytes;

function isSame<T>(a: readonly T[], b: readonly T[]): boolean {
  if (a === b) return true;
  for (let index = 0; index < a.length; index += 1) if (a[index] !== b[index]) return false;
  return a.length === b.length;
}

function refused(thrown: unknown): unknown {
  if (!(thrown instanceof RangeError)) return thrown;
  return new HostError(
    'HOST_ERR_BUDGET_EXHAUSTED',
    `the engine has no room for the memory of one more instance (${thrown.message}); wait until an agent hibernates, or run more processes`,
    {},
    thrown,
  );
}
