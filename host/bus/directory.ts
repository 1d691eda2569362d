import assert from 'node:assert/strict';
import type { Random } from '../clock.ts';
import { HostError } from '../errors.ts';
import { Circles } from './circles.ts';
import { type Hash64, halfSipHash } from './half-sip-hash.ts';
import type { Guarantee } from './message.ts';
import type { SigningMode } from './message-signer.ts';
import { weightBytes } from './weight.ts';

/** How many messages and bytes may wait for one agent, and when its senders are slowed down and let go again. */
export interface MailboxLimits {
  readonly capacity: number;
  /** From this depth on the receiver is congested … */
  readonly high: number;
  /** … until it is down to this one. */
  readonly low: number;
  /** Bytes of those that may wait and are over 1 KiB each, the first one aside; default 16 MiB. */
  readonly bytesMax?: number;
}

/** Where nothing else is said. From four fifths on the receiver is congested, until it is down to one fifth. */
export const mailboxBytesMaxDefault: number = 16 * 1024 * 1024;

export const defaultMailbox: MailboxLimits = { capacity: 1000, high: 800, low: 200 };

/** What another thread needs to read the same directory; goes by `postMessage`. */
export interface DirectoryMemory {
  readonly agentsMax: number;
  readonly memory: SharedArrayBuffer;
}

export const guarantees: readonly Guarantee[] = ['at-most-once', 'at-least-once', 'exactly-once'];

const removed = -1;
const nowhere = -1;
const awaitedFirst = -2;
/** Of an agent on its way from one thread to another. */
const onTheWay = -(2 ** 30);
const cachedNamesMax = 16_384;
/** So many freed places wait before the first is used again: messages for its last agent are gone by then. */
const freedMin = 1024;
const nameBytesMax = 256;

/**
 * Who is where, for every thread at once: agent name → id by a keyed hash, and a few numbers per id, all in
 * shared memory. Anybody reads without waiting and reserves room in a mailbox; only thread 0 adds, removes
 * and places. An id is above 0, below 2^31, and not given again soon: its upper bits count how often its
 * place was used, so what was meant for an agent that is gone does not reach another.
 */
export class Directory {
  readonly shared: DirectoryMemory;
  /** Agents with several instances. */
  readonly circles: Circles;
  readonly #agentsMax: number;
  readonly #indexMask: number;
  readonly #indexBits: number;
  readonly #tableMask: number;
  readonly #key0: number;
  readonly #key1: number;
  /** Triples: id (0: never used, -1: removed), low and high half of the name's hash. */
  readonly #table: Int32Array;
  readonly #ids: Int32Array;
  readonly #owners: Int32Array;
  readonly #depths: Int32Array;
  readonly #capacities: Int32Array;
  readonly #highs: Int32Array;
  readonly #lows: Int32Array;
  /** KiB of the messages that wait (see `weightOf`), and how many there may be. */
  readonly #weights: Int32Array;
  readonly #weightsMax: Int32Array;
  readonly #congested: Int32Array;
  /** A bit for each thread (modulo 32) where senders wait for room. */
  readonly #waiting: Int32Array;
  readonly #guarantees: Int32Array;
  readonly #header: Int32Array;
  readonly #names = new Map<string, number>();
  readonly #hash: Hash64 = { low: 0, high: 0 };
  readonly #bytes = new Uint8Array(nameBytesMax * 3);
  readonly #encoder = new TextEncoder();
  readonly #freed: number[] = [];
  #freedHead = 0;
  #unused = 1;
  #size = 0;

  constructor(shared: DirectoryMemory) {
    this.shared = shared;
    this.#agentsMax = shared.agentsMax;
    this.#indexBits = 32 - Math.clz32(shared.agentsMax);
    this.#indexMask = 2 ** this.#indexBits - 1;
    const tableSize = tableSizeOf(shared.agentsMax);
    this.#tableMask = tableSize - 1;
    const all = new Int32Array(shared.memory);
    this.#key0 = all[0] ?? 0;
    this.#key1 = all[1] ?? 0;
    this.#header = all.subarray(0, headerInts);
    let at = headerInts;
    const column = (length: number): Int32Array => {
      at += length;
      return all.subarray(at - length, at);
    };
    this.#table = column(3 * tableSize);
    const length = shared.agentsMax + 1;
    this.#ids = column(length);
    this.#owners = column(length);
    this.#depths = column(length);
    this.#capacities = column(length);
    this.#highs = column(length);
    this.#lows = column(length);
    this.#congested = column(length);
    this.#waiting = column(length);
    this.#guarantees = column(length);
    this.#weights = column(length);
    this.#weightsMax = column(length);
    this.circles = new Circles(this, column(length), column(length), column(length));
  }

  /** A new directory with room for `agentsMax` agents (at most 2^24); memory is used as agents come. */
  static create(agentsMax: number, random: Random): Directory {
    assert(agentsMax > 0 && agentsMax <= 2 ** 24, 'agentsMax is from 1 to 2^24');
    const ints = headerInts + 3 * tableSizeOf(agentsMax) + columns * (agentsMax + 1);
    const memory = new SharedArrayBuffer(4 * ints);
    const key = new Int32Array(random.fill(new Uint8Array(8)).buffer);
    new Int32Array(memory).set(key);
    return new Directory({ agentsMax, memory });
  }

  /** Agents there are; meant for thread 0. */
  get size(): number {
    return this.#size;
  }

  /** How full the fullest mailbox is, 0 to 1; looks at all of them, and is meant for thread 0. */
  fullest(): number {
    let fullest = 0;
    for (let index = 1; index < this.#unused; index += 1) {
      const depth = this.#depths[index] as number;
      if (depth === 0) continue;
      const share = depth / (this.#capacities[index] as number);
      if (share > fullest) fullest = share;
    }
    return fullest;
  }

  /**
   * Gives a name an id. The agent is nowhere until it is placed.
   * @throws HostError `HOST_ERR_AGENT_DUPLICATE`, `HOST_ERR_BUDGET_EXHAUSTED`
   */
  add(
    name: string,
    mailbox: MailboxLimits,
    guarantee: Guarantee,
    seals = false,
    sign: SigningMode = 'none',
  ): number {
    if (this.find(name) !== 0)
      throw new HostError(
        'HOST_ERR_AGENT_DUPLICATE',
        `there is an agent '${name}'; remove it or take another name`,
        {
          name,
        },
      );
    const id = this.#addNameless(mailbox, guarantee, seals, sign);
    this.#enter(name, id);
    this.#size++;
    return id;
  }

  /**
   * Gives an id to another instance of an agent; limits as the agent's own.
   * @throws HostError `HOST_ERR_BUDGET_EXHAUSTED`
   */
  addMember(
    first: number,
    mailbox: MailboxLimits,
    guarantee: Guarantee,
    seals = false,
    sign: SigningMode = 'none',
  ): number {
    const id = this.#addNameless(mailbox, guarantee, seals, sign);
    this.notePaused(id, this.isPaused(first));
    this.circles.join(first, id);
    return id;
  }

  #addNameless(mailbox: MailboxLimits, guarantee: Guarantee, seals: boolean, sign: SigningMode): number {
    const index = this.#newIndex();
    const id = this.#newId(index);
    Atomics.store(this.#depths, index, 0);
    Atomics.store(this.#weights, index, 0);
    Atomics.store(this.#congested, index, 0);
    Atomics.store(this.#waiting, index, 0);
    this.#guarantees[index] = 0;
    this.circles.clear(index);
    this.limit(id, mailbox, guarantee, seals, sign);
    Atomics.store(this.#owners, index, nowhere);
    Atomics.store(this.#ids, index, id);
    return id;
  }

  /** Sets what senders of every thread must know about an agent. */
  limit(
    id: number,
    mailbox: MailboxLimits,
    guarantee: Guarantee,
    seals = false,
    sign: SigningMode = 'none',
  ): void {
    const index = id & this.#indexMask;
    this.#capacities[index] = mailbox.capacity;
    this.#highs[index] = mailbox.high;
    this.#lows[index] = mailbox.low;
    const { bytesMax = mailboxBytesMaxDefault } = mailbox;
    this.#weightsMax[index] = Math.max(1, Math.floor(bytesMax / weightBytes));
    const signing = sign === 'none' ? 0 : sign === 'each' ? signedEachBit : signedBit;
    const paused = (this.#guarantees[index] ?? 0) & pausedBit;
    this.#guarantees[index] = guarantees.indexOf(guarantee) | (seals ? sealedBit : 0) | signing | paused;
    if (seals) Atomics.store(this.#header, hasSealedAt, 1);
    if (signing !== 0) Atomics.store(this.#header, hasSignedAt, 1);
  }

  /** Says whether a person paused an agent; for thread 0. */
  notePaused(id: number, isPaused: boolean): void {
    const index = id & this.#indexMask;
    const bits = (this.#guarantees[index] ?? 0) & ~pausedBit;
    this.#guarantees[index] = isPaused ? bits | pausedBit : bits;
  }

  /** Whether a person paused an agent. */
  isPaused(id: number): boolean {
    return ((this.#guarantees[id & this.#indexMask] ?? 0) & pausedBit) !== 0;
  }

  /** Takes a name and its id out. */
  remove(name: string): void {
    const id = this.find(name);
    if (id === 0) return;
    this.#leave(name, id);
    this.#names.delete(name);
    this.#free(id);
    this.#size--;
  }

  /** Takes an instance out that is not its agent's first. */
  removeMember(first: number, id: number): void {
    this.circles.leave(first, id);
    this.#free(id);
  }

  #free(id: number): void {
    const index = id & this.#indexMask;
    Atomics.store(this.#owners, index, nowhere);
    Atomics.store(this.#ids, index, -id);
    this.#freed.push(index);
  }

  /** Says which thread owns an agent, after the agent was attached there; -1: none does. */
  place(id: number, thread: number): void {
    Atomics.store(this.#owners, id & this.#indexMask, thread);
  }

  /** Says that an agent's thread was lost and another will take its place: the agent will be there again. */
  suspend(id: number, thread: number): void {
    Atomics.store(this.#owners, id & this.#indexMask, awaitedFirst - thread);
  }

  /** Says that an agent is on its way to another thread: senders hold back what is for it until it is placed. */
  hold(id: number): void {
    Atomics.store(this.#owners, id & this.#indexMask, onTheWay);
  }

  /** The id of a name; 0: there is none. */
  find(name: string): number {
    const cached = this.#names.get(name);
    if (cached !== undefined && this.isCurrent(cached)) return cached;
    const id = this.#lookUp(name);
    if (id !== 0) {
      if (this.#names.size >= cachedNamesMax) this.#names.clear();
      this.#names.set(name, id);
    }
    return id;
  }

  /** Who gets the next message for a name; 0: there is no such agent. What comes once exactly always goes to the same. */
  receiverOf(name: string, guarantee?: Guarantee): number {
    const id = this.find(name);
    return id === 0 || guarantee === 'exactly-once' ? id : this.circles.memberFor(id);
  }

  /** Whether the agent of an id is still there. */
  isCurrent(id: number): boolean {
    return Atomics.load(this.#ids, id & this.#indexMask) === id;
  }

  /** A small integer for an id, to index tables by: unique among the agents there are, at most `agentsMax`. */
  indexOf(id: number): number {
    return id & this.#indexMask;
  }

  /** The thread that owns an agent; below 0: none does (see `awaitedOf`), or there is no such agent. */
  ownerOf(id: number): number {
    const index = id & this.#indexMask;
    const owner = Atomics.load(this.#owners, index);
    return this.#ids[index] === id ? owner : nowhere;
  }

  /** What a message to this agent is promised when its sender asks for nothing else. */
  guaranteeOf(id: number): Guarantee {
    return guarantees[(this.#guarantees[id & this.#indexMask] ?? 0) & guaranteeMask] ?? 'at-most-once';
  }

  /** Whether an agent's messages are sealed, those it sends and those it gets. */
  isSealed(id: number): boolean {
    return ((this.#guarantees[id & this.#indexMask] ?? 0) & sealedBit) !== 0;
  }

  /** How what an agent sends is signed. */
  signingOf(id: number): SigningMode {
    if (this.#header[hasSignedAt] === 0) return 'none';
    const bits = this.#guarantees[id & this.#indexMask] ?? 0;
    return (bits & signedEachBit) !== 0 ? 'each' : (bits & signedBit) !== 0 ? 'batch' : 'none';
  }

  /** Whether there ever was an agent whose messages are sealed. */
  get hasSealed(): boolean {
    return this.#header[hasSealedAt] !== 0;
  }

  /** Messages on their way to an agent or in its mailbox. */
  depthOf(id: number): number {
    return Atomics.load(this.#depths, id & this.#indexMask);
  }

  /** Whether a receiver was over its high mark and is not down to its low one yet. */
  isCongested(id: number): boolean {
    const index = id & this.#indexMask;
    // A sender may set the flag just after the receiver emptied its mailbox, so the depth counts too.
    return (
      Atomics.load(this.#congested, index) !== 0 &&
      (Atomics.load(this.#depths, index) > (this.#lows[index] ?? 0) || this.#isHeavy(index))
    );
  }

  /** Takes one place in a mailbox for a message of a weight (`weightOf`); false: it is full. */
  reserve(id: number, weight: number = 0): boolean {
    const index = id & this.#indexMask;
    const before = Atomics.add(this.#depths, index, 1);
    if (before >= (this.#capacities[index] ?? 0) || (weight !== 0 && !this.#load(index, weight))) {
      Atomics.sub(this.#depths, index, 1);
      return false;
    }
    if (before + 1 >= (this.#highs[index] ?? 0)) Atomics.store(this.#congested, index, 1);
    return true;
  }

  /** A message that is heavier than all that may wait can come when no other heavy one does. */
  #load(index: number, weight: number): boolean {
    const max = this.#weightsMax[index] ?? 0;
    const before = Atomics.add(this.#weights, index, weight);
    if (before > 0 && before + weight > max) {
      Atomics.sub(this.#weights, index, weight);
      // Its sender waits, as at one with too many messages.
      Atomics.store(this.#congested, index, 1);
      return false;
    }
    if ((before + weight) * 5 >= max * 4) Atomics.store(this.#congested, index, 1);
    return true;
  }

  #isHeavy(index: number): boolean {
    return Atomics.load(this.#weights, index) * 5 > (this.#weightsMax[index] ?? 0);
  }

  /** Takes a place whether there is one or not: for a message that was accepted before. */
  reserveAnyway(id: number, weight: number = 0): void {
    const index = id & this.#indexMask;
    Atomics.add(this.#depths, index, 1);
    if (weight !== 0) Atomics.add(this.#weights, index, weight);
  }

  /** Gives a place back that was not used. */
  unreserve(id: number, weight: number = 0): void {
    const index = id & this.#indexMask;
    Atomics.sub(this.#depths, index, 1);
    if (weight !== 0) Atomics.sub(this.#weights, index, weight);
  }

  /** A message that has its place already weighs another amount than when it was given. */
  reweigh(id: number, from: number, to: number): void {
    if (from !== to) Atomics.add(this.#weights, id & this.#indexMask, to - from);
  }

  /**
   * A message left the mailbox; only for the receiver's thread. Returns the threads (a bit each, modulo 32)
   * whose senders wait, when the receiver is down to its low mark.
   */
  release(id: number, weight: number = 0): number {
    const index = id & this.#indexMask;
    if (Atomics.load(this.#ids, index) !== id) return 0;
    if (weight !== 0 && Atomics.sub(this.#weights, index, weight) < weight)
      Atomics.add(this.#weights, index, weight);
    const depth = Atomics.sub(this.#depths, index, 1) - 1;
    // A thread that was lost may have taken the count with it.
    if (depth < 0) Atomics.add(this.#depths, index, 1);
    if (depth > (this.#lows[index] ?? 0) || Atomics.load(this.#congested, index) === 0) return 0;
    if (this.#isHeavy(index)) return 0;
    Atomics.store(this.#congested, index, 0);
    return Atomics.exchange(this.#waiting, index, 0);
  }

  /** Says that senders of a thread wait for room. False: there is room meanwhile, do not wait. */
  awaitRoom(id: number, thread: number): boolean {
    Atomics.or(this.#waiting, id & this.#indexMask, 1 << (thread & 31));
    return this.isCongested(id);
  }

  /** The thread that had the agent's mailbox is gone, and what waited there with it. */
  forget(id: number): void {
    const index = id & this.#indexMask;
    Atomics.store(this.#depths, index, 0);
    Atomics.store(this.#weights, index, 0);
    Atomics.store(this.#congested, index, 0);
    this.circles.noteWorking(id, false);
  }

  #newIndex(): number {
    const hasUnused = this.#unused <= this.#agentsMax;
    if (this.#freed.length - this.#freedHead > (hasUnused ? freedMin : 0)) {
      const index = this.#freed[this.#freedHead++] ?? 0;
      if (this.#freedHead > freedMin && this.#freedHead * 2 > this.#freed.length) {
        this.#freed.splice(0, this.#freedHead);
        this.#freedHead = 0;
      }
      return index;
    }
    if (hasUnused) return this.#unused++;
    throw new HostError(
      'HOST_ERR_BUDGET_EXHAUSTED',
      `there are ${this.#agentsMax} agents, as many as agentsMax allows; remove some or raise it`,
      { agentsMax: this.#agentsMax },
    );
  }

  #newId(index: number): number {
    const before = -(this.#ids[index] ?? 0);
    const uses = before === 0 ? 0 : ((before >>> this.#indexBits) + 1) & (2 ** (31 - this.#indexBits) - 1);
    return (uses << this.#indexBits) | index;
  }

  #enter(name: string, id: number): void {
    this.#hashName(name);
    const { low, high } = this.#hash;
    for (let slot = low & this.#tableMask; ; slot = (slot + 1) & this.#tableMask) {
      const at = 3 * slot;
      if ((this.#table[at] ?? 0) > 0) continue;
      // The id last: whoever sees it sees the hash it belongs to.
      Atomics.store(this.#table, at + 1, low);
      Atomics.store(this.#table, at + 2, high);
      Atomics.store(this.#table, at, id);
      return;
    }
  }

  #leave(name: string, id: number): void {
    this.#hashName(name);
    let slot = this.#hash.low & this.#tableMask;
    while (this.#table[3 * slot] !== id) slot = (slot + 1) & this.#tableMask;
    Atomics.store(this.#table, 3 * slot, removed);
    // Nobody's search goes on past an unused place, so removed ones before it can be unused again.
    if (this.#table[3 * ((slot + 1) & this.#tableMask)] !== 0) return;
    for (; this.#table[3 * slot] === removed; slot = (slot - 1) & this.#tableMask)
      Atomics.store(this.#table, 3 * slot, 0);
  }

  #lookUp(name: string): number {
    if (!this.#hashName(name)) return 0;
    const { low, high } = this.#hash;
    let slot = low & this.#tableMask;
    for (let probes = 0; probes <= this.#tableMask; ) {
      const at = 3 * slot;
      const id = Atomics.load(this.#table, at);
      if (id === 0) return 0;
      const isIt =
        id > 0 && Atomics.load(this.#table, at + 1) === low && Atomics.load(this.#table, at + 2) === high;
      // The place may have been given to another name while we read it: then look again.
      if (Atomics.load(this.#table, at) !== id) continue;
      if (isIt) return id;
      slot = (slot + 1) & this.#tableMask;
      probes++;
    }
    return 0;
  }

  #hashName(name: string): boolean {
    if (name.length > nameBytesMax) return false;
    let length = 0;
    for (; length < name.length; length++) {
      const code = name.charCodeAt(length);
      if (code > 0x7f) break;
      this.#bytes[length] = code;
    }
    if (length < name.length) length = this.#encoder.encodeInto(name, this.#bytes).written;
    halfSipHash(this.#bytes, length, this.#key0, this.#key1, this.#hash);
    return true;
  }
}

/** Two of the key, and whether any agent's messages are sealed, or signed. */
const headerInts = 4;
const hasSealedAt = 2;
const hasSignedAt = 3;
const guaranteeMask = 3;
const sealedBit = 4;
const signedBit = 8;
const signedEachBit = 16;
const pausedBit = 32;
const columns = 14;

/** Never more than half full, so searches stay short. */
function tableSizeOf(agentsMax: number): number {
  return 2 ** (33 - Math.clz32(agentsMax - 1));
}

/** The thread on which an agent without one will be again; -1: nobody knows. */
export function awaitedOf(owner: number): number {
  return owner <= awaitedFirst && owner !== onTheWay ? awaitedFirst - owner : nowhere;
}

/** Whether what `ownerOf` said means that the agent is on its way to another thread. */
export function isOnTheWay(owner: number): boolean {
  return owner === onTheWay;
}
