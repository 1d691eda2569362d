import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { Clock } from '../clock.ts';
import type { Frame, Links as LinksPort } from './frame-kinds.ts';
import { Inbound, type LinkEnd, Outbound } from './link.ts';
import { asleep, awake, Lookout } from './lookout.ts';
import { createRing, ringBytesDefault } from './ring.ts';

export type { LinkEnd } from './link.ts';

/** All a thread needs to talk to the others; plain, so it can be posted (its ports, `portsOf`, transferred). */
export interface LinkEnds {
  readonly self: number;
  readonly threads: number;
  /** Set while this thread sleeps. */
  readonly door: SharedArrayBuffer;
  readonly ends: readonly LinkEnd[];
}

export interface LinksOptions {
  readonly clock: Clock;
  /** Bytes that may wait for room, to each thread. */
  readonly backlogBytesMax?: number;
  /** After so many frames of one turn, or so many microseconds, I/O has its turn before the next. */
  readonly drainFramesMax?: number;
  readonly drainUsMax?: number;
  /** Microseconds of looking at the rings before this thread sleeps, where that has been worth it. Default 0. */
  readonly spinUsMax?: number;
  /** Threads that look at once, this one among them. Default: as many as there are. */
  readonly spinnersMax?: number;
  /** Whether this thread has anything else to do; then it does not look. */
  readonly isBusy?: () => boolean;
  /** Called when this thread slept and another one woke it: something has come, or it was nudged. */
  readonly onRoused?: () => void;
}

/** What becomes of what arrives. */
export interface Arrivals {
  accept(frame: Frame, from: number): void;
  /**
   * Thread `thread` is gone and another took its place; what it still said was accepted before. Nothing that was
   * on its way to it arrives, nor its answers: `framesDropped` had not even left.
   */
  onLost(thread: number, framesDropped: number): void;
}

const backlogBytesDefault = 64 * 1_048_576;
const drainFramesDefault = 8_192;
const drainUsDefault = 500;
/** Frames of one thread before the next thread's; after each such round the clock is read and the room given back. */
const roundFramesMax = 64;
/** Bytes after which room is given back within a round. */
const releaseBytes = 262_144;

/** Records for which a thread that sleeps is woken before the turn's end: the first time in a turn, and after that. */
const wakeRecordsFirst = 64;
const wakeRecordsNext = 256;
/** So few are no burst: whoever sent them does something else now. */
const fewRecordsMax = 16;

const doorBytes = 128;

interface Peer {
  readonly thread: number;
  readonly inbound: Inbound;
  readonly outbound: Outbound;
  readonly door: Int32Array;
  readonly port: MessagePort;
  /** It was woken in a burst of this turn, or of the one before: it is faster than who writes to it. */
  isWoken: boolean;
  isFast: boolean;
}

/**
 * The rings between one thread and all others. What is posted leaves at the end of the turn, or before when it is
 * much; a thread that sleeps is woken by a message on its port, one that runs is not.
 */
export class Links implements LinksPort {
  readonly self: number;
  readonly threads: number;
  readonly #clock: Clock;
  readonly #backlogBytesMax: number;
  readonly #drainFramesMax: number;
  readonly #drainMsMax: number;
  readonly #lookout: Lookout;
  readonly #onRoused: (() => void) | undefined;
  readonly #door: Int32Array;
  readonly #peers: Peer[];
  readonly #byThread: (Peer | undefined)[];
  readonly #turn = (): void => this.#runTurn();
  readonly #flush = (): void => this.flush();
  #arrivals: Arrivals | undefined;
  #first = 0;
  /** Frames of the present turn. */
  #accepted = 0;
  #isDraining = false;
  #isScheduled = false;
  #isFlushDue = false;
  #isClosed = false;

  constructor(own: LinkEnds, options: LinksOptions) {
    this.self = own.self;
    this.threads = own.threads;
    this.#clock = options.clock;
    this.#backlogBytesMax = options.backlogBytesMax ?? backlogBytesDefault;
    this.#drainFramesMax = options.drainFramesMax ?? drainFramesDefault;
    this.#drainMsMax = (options.drainUsMax ?? drainUsDefault) / 1_000;
    this.#onRoused = options.onRoused;
    this.#door = new Int32Array(own.door);
    this.#peers = own.ends.map((end) => this.#join(end));
    this.#lookout = new Lookout({
      clock: this.#clock,
      door: this.#door,
      others: this.#peers,
      spinUsMax: options.spinUsMax ?? 0,
      spinnersMax: options.spinnersMax ?? own.threads,
      isBusy: options.isBusy ?? (() => false),
      pending: () => this.pending(),
    });
    this.#byThread = Array.from({ length: own.threads }, (_, thread) =>
      this.#peers.find((peer) => peer.thread === thread),
    );
  }

  /** Begins to read; until then what the others post waits. */
  start(arrivals: Arrivals): void {
    this.#arrivals = arrivals;
    for (const peer of this.#peers) this.#listen(peer);
    this.#schedule();
  }

  /** False: the backlog to that thread is full and the frame is not on its way. The frame is not changed from now on. */
  post(thread: number, frame: Frame): boolean {
    const peer = this.#byThread[thread];
    if (peer === undefined) throw new Error(`bug: thread ${this.self} has no link to thread ${thread}`);
    if (this.#isClosed || !peer.outbound.post(frame)) return false;
    // Senders stand still until they hear of room; everything else can wait for the end of the turn.
    if (frame.kind === 'room' || peer.outbound.isHeavy) tell(peer);
    else {
      if (peer.outbound.isDue) show(peer);
      if (!this.#isFlushDue) this.#flushLater();
    }
    return true;
  }

  /** Lets the others see what was posted, and wakes them; happens by itself at the end of the turn. */
  flush(): void {
    this.#isFlushDue = false;
    for (const peer of this.#peers) {
      if (peer.outbound.isDirty) tell(peer);
      peer.isFast = peer.isWoken;
      peer.isWoken = false;
    }
  }

  /** Lets the others see what was posted; one that sleeps is woken unless it is a burst, which may grow until `flush`. */
  show(): void {
    for (const peer of this.#peers) if (peer.outbound.isDirty) show(peer);
  }

  /** Accepts at once what the others have shown so far, instead of at its turn; nothing while it does so already. */
  catchUp(): void {
    if (this.#arrivals !== undefined) this.#runTurn();
  }

  /** Wakes those of the others that sleep: there is something for them to look at besides messages. */
  nudge(): void {
    for (const peer of this.#peers) rouse(peer);
  }

  /** Whether there is anything to read; an atomic load per thread. */
  pending(): boolean {
    const peers = this.#peers;
    for (let index = 0; index < peers.length; index++)
      if ((peers[index] as Peer).inbound.isPending) return true;
    return false;
  }

  /** Frames and bytes that wait for room on the way to `thread`. */
  backlog(thread: number): { readonly length: number; readonly bytes: number } {
    return this.#byThread[thread]?.outbound.backlog ?? { length: 0, bytes: 0 };
  }

  /**
   * Thread `end.thread` is gone; `end` leads to the one in its place. What the old one had said is accepted first,
   * then `onLost` is called, then frames go to the new one.
   */
  relink(end: LinkEnd): void {
    const old = this.#byThread[end.thread];
    if (old === undefined) throw new Error(`bug: thread ${this.self} has no link to thread ${end.thread}`);
    old.port.close();
    while (this.#acceptSome(old, roundFramesMax) > 0);
    this.#arrivals?.onLost(end.thread, old.outbound.backlog.length);
    const peer = this.#join(end);
    this.#peers[this.#peers.indexOf(old)] = peer;
    this.#byThread[end.thread] = peer;
    if (this.#arrivals === undefined) return;
    this.#listen(peer);
    this.#schedule();
  }

  /** Ends all links of this thread; what was posted is shown to the others first. */
  close(): void {
    this.flush();
    this.#isClosed = true;
    for (const { port } of this.#peers) port.close();
  }

  /** Whether open links alone keep this thread alive; they do until told otherwise. */
  ref(isKept: boolean): void {
    for (const { port } of this.#peers) isKept ? port.ref() : port.unref();
  }

  #join({ thread, inbound, outbound, door, port }: LinkEnd): Peer {
    return {
      thread,
      inbound: new Inbound(inbound),
      outbound: new Outbound(outbound, this.#backlogBytesMax),
      door: new Int32Array(door),
      port,
      isWoken: false,
      isFast: false,
    };
  }

  #listen(peer: Peer): void {
    peer.port.on('message', () => {
      this.#onRoused?.();
      peer.outbound.resume();
      if (peer.outbound.isDirty) tell(peer);
      if (!this.#isScheduled) this.#runTurn();
    });
  }

  #flushLater(): void {
    this.#isFlushDue = true;
    // Many requests come in one turn of the event loop: one nudge for all. Within a turn of reading, at its end.
    if (!this.#isDraining) setImmediate(this.#flush);
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isClosed) return;
    this.#isScheduled = true;
    setImmediate(this.#turn);
  }

  #runTurn(): void {
    this.#isScheduled = false;
    if (this.#isDraining || this.#isClosed) return;
    if (this.#isFlushDue) this.flush();
    const isLooking = this.#lookout.look();
    if (!isLooking) Atomics.store(this.#door, 0, awake);
    this.#isDraining = true;
    this.#accepted = 0;
    let hasMore = true;
    try {
      hasMore = this.#drain();
    } finally {
      this.#isDraining = false;
      this.flush();
      const isOver = this.#accepted > 0 ? !this.#lookout.came(hasMore) : !hasMore && !isLooking;
      if (isOver) this.#sleep();
      else this.#schedule();
    }
  }

  /** Reads until all rings are empty or the turn's budget is used up; true when it is. */
  #drain(): boolean {
    const endMs = this.#clock.monotonicMs() + this.#drainMsMax;
    for (let frames = 0; frames < this.#drainFramesMax; ) {
      const accepted = this.#acceptRound();
      if (accepted === 0) return false;
      frames += accepted;
      this.#accepted += accepted;
      if (this.#clock.monotonicMs() > endMs) return true;
    }
    return true;
  }

  /** Some frames of every thread, each round beginning with another one. */
  #acceptRound(): number {
    const peers = this.#peers;
    this.#first = (this.#first + 1) % Math.max(1, peers.length);
    let accepted = 0;
    for (let index = 0; index < peers.length; index++) {
      accepted += this.#acceptSome(peers[(this.#first + index) % peers.length] as Peer, roundFramesMax);
    }
    return accepted;
  }

  #acceptSome({ inbound, thread, port }: Peer, recordsMax: number): number {
    const arrivals = this.#arrivals;
    let records = 0;
    try {
      while (records < recordsMax && inbound.bytesUnreleased < releaseBytes && inbound.next()) {
        records += 1;
        const frame = inbound.take();
        if (frame !== undefined) arrivals?.accept(frame, thread);
      }
    } finally {
      if (inbound.release()) port.postMessage(0);
    }
    return records;
  }

  /** From the store on every writer nudges; what was written before it is seen by looking again. */
  #sleep(): void {
    if (this.#isClosed) return;
    this.#lookout.sleeps();
    Atomics.store(this.#door, 0, asleep);
    if (!this.pending()) return;
    Atomics.store(this.#door, 0, awake);
    this.#schedule();
  }
}

/** Shows the reader what was written and wakes it. */
function tell(peer: Peer): void {
  peer.outbound.publish();
  peer.outbound.told();
  rouse(peer);
}

/** Wakes a reader that sleeps; only one of several writers does. */
function rouse({ door, port }: Peer): void {
  if (Atomics.load(door, 0) === asleep && Atomics.exchange(door, 0, awake) === asleep) port.postMessage(0);
}

/**
 * Shows the reader what was written. To wake it costs both as much as several messages do: in a burst one that sleeps
 * again and again is woken for more each time, or at the end of the turn.
 */
function show(peer: Peer): void {
  const { outbound, door, isFast } = peer;
  const shown = outbound.publish();
  if (Atomics.load(door, 0) !== asleep) outbound.told();
  else if (shown <= fewRecordsMax || shown >= (isFast ? wakeRecordsNext : wakeRecordsFirst)) {
    if (shown > fewRecordsMax) {
      peer.isWoken = true;
      peer.isFast = true;
    }
    tell(peer);
  }
}

/** The links among `threads` threads, one each; made where the threads are started. */
export function wire(threads: number, ringBytes: number = ringBytesDefault): LinkEnds[] {
  const doors = Array.from({ length: threads }, createDoor);
  const ends = doors.map((): LinkEnd[] => []);
  for (let one = 0; one < threads; one++) {
    for (let other = one + 1; other < threads; other++) {
      const [a, b] = pair(
        one,
        other,
        doors[one] as SharedArrayBuffer,
        doors[other] as SharedArrayBuffer,
        ringBytes,
      );
      ends[one]?.push(a);
      ends[other]?.push(b);
    }
  }
  return ends.map((own, self) => ({ self, threads, door: doors[self] as SharedArrayBuffer, ends: own }));
}

/**
 * New links for the thread that takes the place of a lost one: its own, and for each other thread the end it
 * relinks with. `doors` are those of the other threads (`LinkEnds.door`), by thread.
 */
export function rewire(
  lost: number,
  doors: readonly SharedArrayBuffer[],
  ringBytes: number = ringBytesDefault,
): { readonly own: LinkEnds; readonly others: ReadonlyMap<number, LinkEnd> } {
  // A new door: whoever still has the old one must not take a nudge from those who have the new.
  const door = createDoor();
  const ends: LinkEnd[] = [];
  const others = new Map<number, LinkEnd>();
  for (let other = 0; other < doors.length; other++) {
    if (other === lost) continue;
    const [toOther, toNew] = pair(lost, other, door, doors[other] as SharedArrayBuffer, ringBytes);
    ends.push(toOther);
    others.set(other, toNew);
  }
  return { own: { self: lost, threads: doors.length, door, ends }, others };
}

/** What has to be transferred when links are posted to a thread. */
export function portsOf(own: LinkEnds): MessagePort[] {
  return own.ends.map(({ port }) => port);
}

/** A thread that has not started counts as asleep: the nudge waits in its port. */
function createDoor(): SharedArrayBuffer {
  const door = new SharedArrayBuffer(doorBytes);
  Atomics.store(new Int32Array(door), 0, asleep);
  return door;
}

/** The end of thread `a` and the end of thread `b`. */
function pair(
  a: number,
  b: number,
  doorA: SharedArrayBuffer,
  doorB: SharedArrayBuffer,
  ringBytes: number,
): [LinkEnd, LinkEnd] {
  const toA = createRing(ringBytes);
  const toB = createRing(ringBytes);
  const { port1, port2 } = new MessageChannel();
  return [
    { thread: b, inbound: toA, outbound: toB, door: doorB, port: port1 },
    { thread: a, inbound: toB, outbound: toA, door: doorA, port: port2 },
  ];
}
