import type { Clock } from '../clock.ts';
import type { LimitName, Limits } from '../limits.ts';
import type { Usage } from '../outcome.ts';
import { FuelSlice } from './fuel-slice.ts';
import { HeapAccount } from './heap.ts';

/** Why the host ends a guest; whatever the guest then throws or catches, this is the outcome. */
export type StopCause =
  | { readonly kind: 'exit'; readonly exitCode: number }
  | {
      readonly kind: 'limit';
      readonly limit: LimitName;
      readonly max: bigint | number;
      readonly used: bigint | number;
    }
  | { readonly kind: 'cancelled'; readonly reason: string }
  | { readonly kind: 'denied'; readonly reason: string };

/** Whoever holds the account of the guest that runs: an instance may pass from one agent to another. */
export interface BudgetHolder {
  readonly budget: Budget;
}

/** What an instance's memories have of what all of the process have; grows with them. */
export interface Growth {
  /** What they have. */
  readonly pages: number;
  /** Takes so many pages more, or gives some back; false: there is no room for them. */
  tryGrow(pages: number): boolean;
}

/** What a metered module imports as `motehost:meter`. The account is looked up at each call, not kept. */
export function meterImports(holder: BudgetHolder): Record<string, WebAssembly.ImportValue> {
  return {
    out: () => holder.budget.out(),
    pause: new WebAssembly.Suspending(() => holder.budget.pause()),
    grow_memory: (pages: number) => holder.budget.growMemory(pages),
    grow_table: (elements: number) => holder.budget.growTable(elements),
    allocate: (needBytes: number) => holder.budget.allocate(needBytes),
  };
}

/** Unwinds the guest to the host once a stop cause is set. A guest may catch it, but it runs out of fuel at its next check. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
}

/** Who else wants the thread: a guest that computes gives way between two fuel slices. `key` says whose guest asks. */
export interface Turn {
  /** Whether somebody waits who goes before it; asked at the end of each slice, so it has to be cheap. */
  isWanted(key: number): boolean;
  /** Resolves when it is the guest's turn again. */
  giveWay(key: number): Promise<void>;
  /** What it used since this was last called for the same call: at each slice's end and at the call's end. */
  charge(key: number, fuel: number, ms: number): void;
  /** A guest of this key is being ended: wherever it waits for its turn for good, it goes on, to its end. */
  letGo?(key: number): void;
}

export interface BudgetOptions {
  readonly limits: Limits;
  readonly clock: Clock;
  /** Fuel units between two looks at the clock at most; any value gives the same counts. Default 2,000,000 (about 0.2 ms). */
  readonly fuelSlice?: bigint;
  /** Milliseconds a guest may hold the thread before it yields to the event loop, where it can. Default 1 beside others, else 10. */
  readonly yieldMs?: number;
  /** Others on the same thread; without it the guest only lets the event loop turn. */
  readonly turn?: Turn;
  /** Whose guest it is, to `turn`. Default 0. */
  readonly turnKey?: number;
  /** Told what the process decided about memory; or decides in its place. */
  readonly growthWatch?: GrowthWatch | undefined;
}

/** Whether the process has memory is nothing that a program can know: who runs it again must. */
export interface GrowthWatch {
  /** What it came to. */
  readonly decided?: (isGranted: boolean) => void;
  /** Whether it is granted, whatever the process has. */
  readonly decide?: () => boolean;
}

/** What of an invocation counts on when it goes on in another instance, under another account. Fuel is the instance's. */
export interface Carried {
  readonly startedMs: number;
  readonly deadlineMs: number;
  readonly deadlineAtMs: number;
  readonly outputBytes: number;
  readonly denials: ReadonlyMap<string, string>;
  /** Fuel that the agent's turns were charged with. */
  readonly charged: bigint;
  /** Since when its time does not run; below 0: it does. */
  readonly frozenAtMs: number;
}

/** The same invocation, whose time does not run from now on. */
export function frozen(carried: Carried, nowMs: number): Carried {
  return carried.frozenAtMs < 0 ? { ...carried, frozenAtMs: nowMs } : carried;
}

/** The same invocation, whose time runs again. */
export function thawed(carried: Carried, nowMs: number): Carried {
  const { startedMs, deadlineAtMs, frozenAtMs } = carried;
  if (frozenAtMs < 0) return carried;
  const stoodMs = nowMs - frozenAtMs;
  return {
    ...carried,
    startedMs: startedMs + stoodMs,
    deadlineAtMs: deadlineAtMs + stoodMs,
    frozenAtMs: -1,
  };
}

/** Milliseconds until the event loop has its turn though nobody is known to wait: sockets tell nothing until they are asked. */
const besideYieldMs = 1;
const aloneYieldMs = 10;
/** Milliseconds a guest that shares its thread may compute where it cannot be paused. */
const synchronousMsMax = 250;
/** Milliseconds in host functions, which no fuel counts, after which a guest gives way to those who wait. */
const hostMsMax = 1;
const pageBytes = 65_536;
const denialsMax = 16;
const noDenials: ReadonlyMap<string, string> = new Map();
/** Calls of host functions between two looks at the clock; a look costs about as much as a small call. */
const checksPerLook = 8;
/** Negative enough that no host refill or guest arithmetic brings a stopped guest back to life. */
const deadFuel = -(2n ** 62n);

/**
 * One agent's live account against its limits, as totals over all its modules, and the object behind the
 * imports that `engine/meter` adds (`motehost:meter`: out, pause, grow_memory, grow_table, allocate).
 *
 * Fuel is granted in slices: the cell holds what is left of the granted part, so
 * used = granted - cell. A kill is a deeply negative cell, which the injected code answers with
 * `unreachable`; throwing from the import instead could be caught by the guest.
 */
export class Budget {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly #slice: FuelSlice;
  readonly #yieldMs: number;
  readonly #turn: Turn | undefined;
  readonly #turnKey: number;
  /** Of the fuel used, what `turn` was told. */
  #charged = 0n;
  #cell: WebAssembly.Global<'i64'> | undefined;
  #granted = 0n;
  /** The slice under way was ended before it was used up. */
  #isCut = false;
  #checks = 0;
  #deadFuelUsed: bigint | undefined;
  #cause: StopCause | undefined;
  #startedMs: number;
  #deadlineMs: number;
  /** Infinity while its time does not run. */
  #deadlineAtMs: number;
  /** Since when, and the deadline as it was then; below 0: its time runs. */
  #frozenAtMs = -1;
  #frozenDeadlineAtMs = 0;
  #yieldAtMs: number;
  #memoryPages = 0;
  #growth: Growth | undefined;
  readonly #growthWatch: GrowthWatch | undefined;
  #tableElements = 0;
  #outputBytes = 0;
  #openFiles = 0;
  #synchronousDepth = 0;
  /** When the first fuel slice of the present such stretch ended; below 0: none has. */
  #synchronousFromMs = -1;
  #refusal: StopCause | undefined;
  /** Of guests with structs, arrays or exceptions only. */
  #heap: HeapAccount | undefined;
  // Made when first needed: most guests are denied nothing and many wait for nothing, and there may be thousands.
  #denials: Map<string, string> | undefined;
  #stopListeners: Set<(cause: StopCause) => void> | undefined;
  /**
   * More than 0 while a frame that is not wasm or not `promising` lies on the guest's stack (start function,
   * `cabi_realloc`, post-return, synchronous call): suspending there throws, so the guest is not paused.
   */
  get synchronousDepth(): number {
    return this.#synchronousDepth;
  }

  set synchronousDepth(depth: number) {
    if (this.#synchronousDepth === 0) this.#synchronousFromMs = -1;
    this.#synchronousDepth = depth;
  }

  constructor(options: BudgetOptions) {
    this.limits = options.limits;
    this.clock = options.clock;
    this.#startedMs = options.clock.monotonicMs();
    this.#slice = new FuelSlice(options.fuelSlice ?? 2_000_000n, this.#startedMs);
    this.#yieldMs = options.yieldMs ?? (options.turn === undefined ? aloneYieldMs : besideYieldMs);
    this.#turn = options.turn;
    this.#turnKey = options.turnKey ?? 0;
    this.#growthWatch = options.growthWatch;
    this.#deadlineMs = options.limits.deadlineMs;
    this.#deadlineAtMs = this.#startedMs + options.limits.deadlineMs;
    this.#yieldAtMs = this.#startedMs + this.#yieldMs;
  }

  /** Takes over the fuel cell, before any guest code runs (the rewriter turns start functions into exports). */
  attachFuel(cell: WebAssembly.Global<'i64'>): void {
    this.#cell = cell;
  }

  /** The instance is somebody else's from now on; what was used of its fuel stays known. */
  detachFuel(): void {
    this.#deadFuelUsed ??= this.fuelUsed;
    this.#cell = undefined;
  }

  /** From now on the guest grows only as far as the process has room, too. */
  attachGrowth(growth: Growth): void {
    this.#growth = growth;
  }

  get cause(): StopCause | undefined {
    return this.#cause;
  }

  get fuelUsed(): bigint {
    if (this.#deadFuelUsed !== undefined) return this.#deadFuelUsed;
    return this.#cell === undefined ? 0n : this.#granted - this.#cell.value;
  }

  /** The last growth that was refused: a guest that ends badly after it ended because of it. */
  get refusal(): StopCause | undefined {
    return this.#refusal;
  }

  /** Linear memories and, at most, what the guest holds of the engine's own heap (structs, arrays, exceptions). */
  get memoryBytes(): number {
    return this.#memoryPages * pageBytes + (this.#heap?.bytes ?? 0);
  }

  get outputBytes(): number {
    return this.#outputBytes;
  }

  /** When the invocation began, on the clock's monotonic time. */
  get startedMs(): number {
    return this.#startedMs;
  }

  get wallMs(): number {
    return this.clock.monotonicMs() - this.#startedMs;
  }

  /** Milliseconds until the deadline, at least 0: for timers that must wake a waiting guest. */
  get deadlineLeftMs(): number {
    if (this.#frozenAtMs >= 0) return Math.max(1, this.#frozenDeadlineAtMs - this.#frozenAtMs);
    return Math.max(0, this.#deadlineAtMs - this.clock.monotonicMs());
  }

  /**
   * Starts a new invocation on the same instance: fuel, deadline and output count from here, and what was refused
   * before is no matter. `deadlineMs` may be shorter than the limit: whoever asked may not wait that long. The
   * first slice is granted at once, so that a short call asks for none.
   */
  restart(deadlineMs: number = this.limits.deadlineMs): void {
    this.#refusal = undefined;
    this.#denials = undefined;
    this.#charged = 0n;
    this.#grantFirst();
    this.#outputBytes = 0;
    this.#startedMs = this.clock.monotonicMs();
    this.#slice.begin(this.#startedMs);
    this.#deadlineMs = deadlineMs;
    this.#deadlineAtMs = this.#startedMs + deadlineMs;
    this.#frozenAtMs = -1;
    this.#yieldAtMs = this.#startedMs + this.#yieldMs;
  }

  /** A life begins with an empty fuel cell, which may have been another guest's: its first slice is granted at once. */
  beginLife(): void {
    if (this.#cause === undefined) this.#grantFirst();
    else if (this.#cell !== undefined) this.#cell.value = deadFuel;
  }

  #grantFirst(): void {
    this.#granted = 0n;
    this.#isCut = false;
    if (this.#cell === undefined) return;
    const { fuel } = this.#slice;
    this.#granted = fuel < this.limits.fuelMax ? fuel : this.limits.fuelMax;
    this.#cell.value = this.#granted;
  }

  /** When the time of the invocation is over, on the clock's monotonic time. */
  get deadlineAtMs(): number {
    return this.#deadlineAtMs;
  }

  get isFrozen(): boolean {
    return this.#frozenAtMs >= 0;
  }

  /** The time of the invocation does not run until `thaw`. */
  freeze(): void {
    if (this.#frozenAtMs >= 0) return;
    this.#frozenAtMs = this.clock.monotonicMs();
    this.#frozenDeadlineAtMs = this.#deadlineAtMs;
    this.#deadlineAtMs = Number.POSITIVE_INFINITY;
  }

  /** Its time runs again, and what it stood is none of it. */
  thaw(): void {
    if (this.#frozenAtMs < 0) return;
    const stoodMs = this.clock.monotonicMs() - this.#frozenAtMs;
    this.#startedMs += stoodMs;
    this.#deadlineAtMs = this.#frozenDeadlineAtMs + stoodMs;
    this.#frozenAtMs = -1;
  }

  /** The guest left its instance in the middle of an invocation: this account has no part in that any more. */
  carry(): Carried {
    this.#cell = undefined;
    return {
      startedMs: this.#startedMs,
      deadlineMs: this.#deadlineMs,
      deadlineAtMs: this.#frozenAtMs < 0 ? this.#deadlineAtMs : this.#frozenDeadlineAtMs,
      outputBytes: this.#outputBytes,
      denials: this.denials,
      charged: this.#charged,
      frozenAtMs: this.#frozenAtMs,
    };
  }

  /** Goes on with an invocation that began under another account. */
  goOn({ startedMs, deadlineMs, deadlineAtMs, outputBytes, denials, charged, frozenAtMs }: Carried): void {
    this.#charged = charged;
    this.#startedMs = startedMs;
    this.#deadlineMs = deadlineMs;
    this.#deadlineAtMs = frozenAtMs < 0 ? deadlineAtMs : Number.POSITIVE_INFINITY;
    this.#frozenAtMs = frozenAtMs;
    this.#frozenDeadlineAtMs = deadlineAtMs;
    this.#outputBytes = outputBytes;
    if (denials.size > 0) this.#denials = new Map(denials);
  }

  /** Ends the guest: the first cause wins, waiting imports are told, and its next fuel check traps. */
  stop(cause: StopCause): void {
    if (this.#cause !== undefined) return;
    this.#cause = cause;
    this.#deadFuelUsed = this.fuelUsed;
    if (cause.kind === 'limit' && cause.limit === 'fuelMax') this.#deadFuelUsed = BigInt(cause.used);
    if (this.#cell !== undefined) this.#cell.value = deadFuel;
    const listeners = this.#stopListeners;
    this.#stopListeners = undefined;
    for (const listener of listeners ?? []) listener(cause);
    this.#turn?.letGo?.(this.#turnKey);
  }

  /** Throws `Stopped` when the guest was stopped: for host functions before they act. */
  check(): void {
    this.#checks += 1;
    if (this.#checks % checksPerLook === 0) this.#look();
    if (this.#cause !== undefined) throw new Stopped(this.#cause.kind);
  }

  /**
   * Looks at the clock between two fuel slices: host functions take time that no fuel counts. A guest whose
   * turn is over meets `out` at its next fuel check; what it used stays the same to the unit.
   */
  #look(): void {
    if (this.#cause !== undefined) return;
    const nowMs = this.clock.monotonicMs();
    if (nowMs >= this.#deadlineAtMs) this.stopForDeadline();
    else if (nowMs >= this.#yieldAtMs || this.#keepsWaiting(nowMs)) this.#endSlice();
  }

  /** A guest that calls the host again and again burns little fuel: its slices are long. */
  #keepsWaiting(nowMs: number): boolean {
    return (
      nowMs - this.#yieldAtMs + this.#yieldMs >= hostMsMax && this.#turn?.isWanted(this.#turnKey) === true
    );
  }

  #endSlice(): void {
    const cell = this.#cell;
    if (cell === undefined || cell.value < 0n) return;
    this.#granted -= cell.value + 1n;
    this.#isCut = true;
    cell.value = -1n;
  }

  /** Calls back once when the guest is stopped (at once if it already is). Returns the way to unsubscribe. */
  onStop(listener: (cause: StopCause) => void): () => void {
    if (this.#cause !== undefined) listener(this.#cause);
    else {
      this.#stopListeners ??= new Set();
      this.#stopListeners.add(listener);
    }
    return () => this.#stopListeners?.delete(listener);
  }

  /** Import `out`: the cell is negative. Grants the next slice or stops the guest; 1 asks the guest to call `pause`. */
  out(): number {
    const cell = this.#cell;
    if (cell === undefined || this.#cause !== undefined) {
      if (cell !== undefined) cell.value = deadFuel;
      return 0;
    }
    // Read once: a look at the cell is a call into the engine.
    const left = cell.value;
    if (this.#isOverdrawn(left)) return 0;
    const nowMs = this.clock.monotonicMs();
    if (nowMs >= this.#deadlineAtMs) {
      this.stopForDeadline();
      return 0;
    }
    if (this.#holdsThread(nowMs)) return 0;
    this.#charge(this.#granted - left, nowMs);
    if (this.#cause !== undefined) return 0;
    this.#slice.end(nowMs);
    this.#grant(cell, left);
    const isWanted = nowMs >= this.#yieldAtMs || this.#turn?.isWanted(this.#turnKey) === true;
    return this.synchronousDepth === 0 && isWanted ? 1 : 0;
  }

  /** Whether more is used than the limit allows, which ends the guest. */
  #isOverdrawn(left: bigint): boolean {
    if (this.limits.fuelMax - this.#granted + left >= 0n) return false;
    this.stop({ kind: 'limit', limit: 'fuelMax', max: this.limits.fuelMax, used: this.fuelUsed });
    return true;
  }

  /** The next slice: at least enough to bring the cell back to 0, whatever one block overshot by. */
  #grant(cell: WebAssembly.Global<'i64'>, left: bigint): void {
    const most = this.limits.fuelMax - this.#granted;
    const { fuel } = this.#slice;
    const need = fuel > -left ? fuel : -left;
    const grant: bigint = need < most ? need : most;
    this.#granted += grant;
    this.#isCut = false;
    cell.value = left + grant;
  }

  /**
   * Where nothing can suspend (an allocation for the host, post-return) the guest cannot give way; beside others it
   * is stopped when that takes too long.
   */
  #holdsThread(nowMs: number): boolean {
    if (this.#turn === undefined || this.#synchronousDepth === 0) return false;
    if (this.#synchronousFromMs < 0) this.#synchronousFromMs = nowMs;
    const usedMs = nowMs - this.#synchronousFromMs;
    if (usedMs < synchronousMsMax) return false;
    this.stop({ kind: 'limit', limit: 'deadlineMs', max: synchronousMsMax, used: Math.round(usedMs) });
    return true;
  }

  #charge(fuelUsed: bigint, nowMs: number): void {
    const turn = this.#turn;
    if (turn === undefined) return;
    const before = this.#charged;
    const fuel = before === 0n ? Number(fuelUsed) : fuelUsed > before ? Number(fuelUsed - before) : 0;
    turn.charge(this.#turnKey, fuel, nowMs - this.#slice.fromMs);
    if (fuel > 0) this.#charged = fuelUsed;
  }

  /** A call under this account is over, or leaves it, having used so much as far as is known: charges what no slice's end did. */
  settle(usage?: Pick<Usage, 'fuel' | 'wallMs'>): void {
    if (this.#turn === undefined) return;
    if (usage === undefined) this.#charge(this.fuelUsed, this.clock.monotonicMs());
    else this.#charge(usage.fuel, this.#startedMs + usage.wallMs);
  }

  /**
   * Import `pause` (suspending): lets the event loop turn, then the guest goes on. It does not ask for fuel again:
   * a slice that was ended meanwhile, by a look at the clock for work that the host does ahead, is granted anew.
   */
  async pause(): Promise<void> {
    await (this.#turn?.giveWay(this.#turnKey) ?? new Promise<void>((resolve) => setImmediate(resolve)));
    this.waited();
    const cell = this.#cell;
    if (!this.#isCut || cell === undefined || this.#cause !== undefined) return;
    const left = cell.value;
    if (left < 0n && !this.#isOverdrawn(left)) this.#grant(cell, left);
  }

  /** The guest has waited, and others had the thread: what it holds that for is counted from now. */
  waited(): void {
    const nowMs = this.clock.monotonicMs();
    this.#yieldAtMs = nowMs + this.#yieldMs;
    this.#slice.begin(nowMs);
  }

  /**
   * Counts the memories and tables an instance begins with.
   * @throws Stopped (cause `limit`) when they alone are over the limit
   */
  admit(pages: number, elements: number): void {
    this.#memoryPages += pages;
    this.#tableElements += elements;
    const { memoryBytesMax, tableElementsMax } = this.limits;
    if (this.memoryBytes > memoryBytesMax) {
      this.stop({ kind: 'limit', limit: 'memoryBytesMax', max: memoryBytesMax, used: this.memoryBytes });
    } else if (this.#tableElements > tableElementsMax) {
      this.stop({
        kind: 'limit',
        limit: 'tableElementsMax',
        max: tableElementsMax,
        used: this.#tableElements,
      });
    }
    this.check();
  }

  /**
   * Import `grow_memory`: 1 if all memories together stay within the limit, and objects with them. Negative
   * pages were granted and could not be added.
   */
  growMemory(pages: number): number {
    const { memoryBytesMax } = this.limits;
    const next = this.#memoryPages + pages;
    let nextBytes = next * pageBytes + (this.#heap?.bytes ?? 0);
    if (nextBytes > memoryBytesMax && this.#heap?.settle() === true) {
      nextBytes = next * pageBytes + this.#heap.bytes;
      if (this.clock.monotonicMs() >= this.#deadlineAtMs) this.stopForDeadline();
    }
    if (pages > 0 && nextBytes > memoryBytesMax) {
      this.#refusal = { kind: 'limit', limit: 'memoryBytesMax', max: memoryBytesMax, used: nextBytes };
      return 0;
    }
    if (!this.#hasProcessRoom(pages)) {
      this.#refusal = { kind: 'limit', limit: 'memoryBytesMax', max: this.memoryBytes, used: nextBytes };
      return 0;
    }
    this.#memoryPages = next;
    return 1;
  }

  #hasProcessRoom(pages: number): boolean {
    const watch = this.#growthWatch;
    if (watch?.decide !== undefined && pages > 0) return watch.decide();
    const isGranted = this.#growth?.tryGrow(pages) !== false;
    if (pages > 0) watch?.decided?.(isGranted);
    return isGranted;
  }

  /** Import `grow_table`: 1 if all tables together stay within the limit. Negative elements are given back. */
  growTable(elements: number): number {
    const { tableElementsMax } = this.limits;
    const next = this.#tableElements + elements;
    if (elements > 0 && next > tableElementsMax) {
      this.#refusal = { kind: 'limit', limit: 'tableElementsMax', max: tableElementsMax, used: next };
      return 0;
    }
    this.#tableElements = next;
    return 1;
  }

  /**
   * Import `allocate`: the guest is about to take `needBytes` of the engine's own heap beyond what it was granted.
   * Grants that and some more, or stops the guest and answers 0. Memories and heap together keep to the limit.
   */
  allocate(needBytes: number): number {
    if (this.#cause !== undefined) return 0;
    this.#heap ??= new HeapAccount();
    const roomBytes = this.limits.memoryBytesMax - this.#memoryPages * pageBytes;
    const granted = this.#heap.grant(needBytes, roomBytes);
    const usedBytes = this.memoryBytes + needBytes;
    if (granted === 0) this.#stopForMemory(usedBytes);
    // A collection may have taken long.
    else if (this.clock.monotonicMs() >= this.#deadlineAtMs) this.stopForDeadline();
    return this.#cause === undefined ? granted : 0;
  }

  /** The limit, or where V8's heap has less room than that, what it has. */
  #stopForMemory(usedBytes: number): void {
    const max = Math.min(this.limits.memoryBytesMax, usedBytes);
    this.stop({ kind: 'limit', limit: 'memoryBytesMax', max, used: usedBytes });
  }

  /**
   * Notes what a guest was refused, for the person who runs it: the guest itself got an ordinary error.
   * `cure` is the flag or manifest line that would allow it. Bounded; the same denial counts once.
   */
  deny(what: string, cure: string): void {
    this.#denials ??= new Map();
    if (this.#denials.size < denialsMax) this.#denials.set(what, cure);
  }

  get denials(): ReadonlyMap<string, string> {
    return this.#denials ?? noDenials;
  }

  /** Counts output before it is written; stops the guest when it is too much. */
  chargeOutput(bytes: number): void {
    this.#outputBytes += bytes;
    if (this.#outputBytes <= this.limits.outputBytesMax) return;
    this.stop({
      kind: 'limit',
      limit: 'outputBytesMax',
      max: this.limits.outputBytesMax,
      used: this.#outputBytes,
    });
    throw new Stopped('limit');
  }

  /** Counts one more open file; false when the limit is reached (the guest then gets its own error: too many files). */
  openFile(): boolean {
    if (this.#openFiles >= this.limits.openFilesMax) return false;
    this.#openFiles += 1;
    return true;
  }

  closeFile(): void {
    this.#openFiles -= 1;
  }

  stopForDeadline(): void {
    this.stop({
      kind: 'limit',
      limit: 'deadlineMs',
      max: this.#deadlineMs,
      used: Math.round(this.wallMs),
    });
  }
}
