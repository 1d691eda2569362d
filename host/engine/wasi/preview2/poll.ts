import { Trap } from '../../trap.ts';
import { type Guest, Resource } from './guest.ts';
import type { Readiness } from './readiness.ts';

/** Pollables in one list; a guest holds no more handles, but may name one many times. */
const listMax = 65_536;
/** What one subscription costs while the list is waited for. */
const waitBytes = 256;

let eventOf: (pollable: Pollable) => Readiness;

/** Resource `wasi:io/poll.pollable`. */
export class Pollable extends Resource {
  readonly #guest: Guest;
  readonly #event: Readiness;

  static {
    eventOf = (pollable) => pollable.#event;
  }

  constructor(guest: Guest, event: Readiness) {
    super(guest);
    this.#guest = guest;
    this.#event = event;
  }

  ready(): boolean {
    this.#guest.budget.check();
    return this.#event.isReady();
  }

  block(): Promise<void> | undefined {
    return this.ready() ? undefined : this.#guest.until([this.#event]);
  }
}

/**
 * `wasi:io/poll.poll`: the indices of the ready pollables, in order; one named twice is reported twice.
 * @throws Trap for an empty list, as specified, and for one of more than 65,536
 */
export function poll(guest: Guest, pollables: readonly Pollable[]): Uint32Array | Promise<Uint32Array> {
  guest.budget.check();
  if (pollables.length === 0) throw new Trap('canonical-abi', 'wasi:io/poll: the list is empty');
  if (pollables.length > listMax)
    throw new Trap('allocation-too-large', `wasi:io/poll: more than ${listMax} pollables in one list`);
  const events = pollables.map(eventOf);
  const ready = readyIndices(events);
  return ready.length > 0 ? ready : readyLater(guest, events);
}

async function readyLater(guest: Guest, events: readonly Readiness[]): Promise<Uint32Array> {
  const held = guest.held.open();
  held.resize(events.length * waitBytes);
  try {
    await guest.until(events);
    return readyIndices(events);
  } finally {
    held.empty();
  }
}

function readyIndices(events: readonly Readiness[]): Uint32Array {
  return Uint32Array.from(events.flatMap((event, index) => (event.isReady() ? [index] : [])));
}
