import { unsupported } from './refusal.ts';

/** The construct a frame stands for. */
export const construct = {
  function: 0,
  block: 1,
  loop: 2,
  if: 3,
  else: 4,
  try: 5,
  catch: 6,
  tryTable: 7,
} as const;

/** Deeper nesting is refused: every open construct takes memory while its function is read. */
export const nestingMax = 100_000;

/** One open control construct of the function being analysed. */
export class Frame {
  kind = 0;
  /** Ordinal of the construct in its function, the function itself 0. */
  serial = 0;
  /** The charge site control was in when the construct began; -1 in unreachable code. */
  site = -1;
  /** Outermost frame that a branch from inside may reach; -1 leaves the function. */
  escape = 0;
  /** A branch goes to its end. */
  targeted = false;
  /** The first arm of an `if`, or a `try` body, can fall through to the end. */
  fallsThrough = false;
  /** An exception handler branches to its label: the cell, not the counter, is right there. */
  caught = false;
  /** The loop's patch; -1 for others. */
  loop = -1;
  /** No call, handler or inner loop inside. */
  simple = true;
  /** The parting that alone branches to its end; -1 nobody yet, -2 several or something else. */
  reachedBy = -1;
  /** An `if`'s own parting; -1 none. */
  parting = -1;
  /** Index of the innermost loop around, itself included; -1 none. */
  innerLoop = -1;

  reset(kind: number, serial: number, site: number, depth: number, innerLoop: number): void {
    this.kind = kind;
    this.serial = serial;
    this.site = site;
    this.escape = depth;
    this.targeted = false;
    this.fallsThrough = false;
    this.caught = false;
    this.loop = -1;
    this.simple = true;
    this.reachedBy = -1;
    this.parting = -1;
    this.innerLoop = innerLoop;
  }
}

/** The open constructs, innermost last; frames are reused. */
export class ControlStack {
  depth = 0;
  readonly #frames: Frame[] = [];
  #serials = 0;

  /** How many constructs were opened since `clear`. */
  get opened(): number {
    return this.#serials;
  }

  clear(): void {
    this.depth = 0;
    this.#serials = 0;
  }

  push(kind: number, site: number, at: number): Frame {
    const index = this.depth;
    if (index === nestingMax) throw unsupported(`blocks nested more than ${nestingMax} deep`, at);
    let frame = this.#frames[index];
    if (frame === undefined) {
      frame = new Frame();
      this.#frames.push(frame);
    }
    const innerLoop = kind === construct.loop ? index : index === 0 ? -1 : this.at(index - 1).innerLoop;
    frame.reset(kind, this.#serials, site, index, innerLoop);
    this.#serials += 1;
    this.depth = index + 1;
    return frame;
  }

  at(index: number): Frame {
    return this.#frames[index] as Frame;
  }

  get top(): Frame {
    return this.at(this.depth - 1);
  }

  /** Closes the innermost construct; its escapes become its parent's. */
  pop(): Frame {
    this.depth -= 1;
    const frame = this.at(this.depth);
    if (this.depth > 0) {
      const parent = this.at(this.depth - 1);
      if (frame.escape < parent.escape) parent.escape = frame.escape;
    }
    return frame;
  }

  /** Control may leave from here to frame `target` (-1: out of the function). */
  escapeTo(target: number): void {
    const top = this.top;
    if (target < top.escape) top.escape = target;
  }
}
