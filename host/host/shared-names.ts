import { join } from 'node:path';
import type { Bus } from '../bus/bus.ts';
import type { Wheel } from '../clock/wheel.ts';
import type { Clock } from '../clock.ts';
import { type SharingLimit, type SharingLimits, sharingNames } from '../manifest/sharing.ts';
import { type Answer, refused } from '../orchestration/asked.ts';
import { Home, type Nursery, type TieRoom } from '../orchestration/home.ts';
import type { Lease, LeaseEnd } from '../orchestration/leases.ts';
import { LeaseFile } from './state/lease-file.ts';
import type { AskedOfHome } from './thread/control.ts';

export interface SharedNamesOptions {
  readonly stateFolder: string;
  readonly clock: Clock;
  readonly wheel: Wheel;
  readonly bus: () => Bus;
  readonly nursery: () => Nursery;
  readonly ties: () => TieRoom;
  /** What an agent may have of them; undefined: it is not there. */
  readonly limitsOf: (name: string) => SharingLimits | undefined;
  readonly say: (level: 'error' | 'warn', text: string, agent?: string) => void;
}

/** The home of the names that agents share, as the threads of a host ask it. */
export class SharedNames {
  readonly home: Home;
  readonly #options: SharedNamesOptions;
  readonly #leases: LeaseFile;
  /** What is asked and not answered, by thread and call. */
  readonly #calls = new Map<number, Map<number, AbortController>>();

  /** @throws HostError `HOST_ERR_STATE_UNWRITABLE` */
  constructor(options: SharedNamesOptions) {
    const { stateFolder, clock, wheel, nursery, ties, limitsOf } = options;
    this.#options = options;
    this.#leases = new LeaseFile(join(stateFolder, 'leases.sqlite'), (error) =>
      options.say('error', error.message),
    );
    this.home = new Home({
      clock,
      wheel,
      store: this.#leases,
      nursery: {
        spawn: (...asked) => nursery().spawn(...asked),
        endChild: (...asked) => nursery().endChild(...asked),
        childrenOf: (parent) => nursery().childrenOf(parent),
      },
      ties: {
        link: (...asked) => ties().link(...asked),
        unlink: (...asked) => ties().unlink(...asked),
        monitor: (...asked) => ties().monitor(...asked),
        demonitor: (...asked) => ties().demonitor(...asked),
      },
      isAgent: (name) => limitsOf(name) !== undefined,
      limitsOf,
      onFull: (agent, limit, max) => options.say('warn', fullText(limit, max), agent),
      onLeaseEnd: (lease, end) => this.#publish(lease, end),
    });
  }

  async ask(thread: number, { call, agent, asked }: AskedOfHome): Promise<Answer> {
    if (this.#options.limitsOf(agent) === undefined) return refused('cancelled');
    const calls = this.#callsOf(thread);
    const given = new AbortController();
    calls.set(call, given);
    try {
      return await this.home.ask(agent, asked, given.signal);
    } finally {
      calls.delete(call);
    }
  }

  #callsOf(thread: number): Map<number, AbortController> {
    let calls = this.#calls.get(thread);
    if (calls === undefined) {
      calls = new Map();
      this.#calls.set(thread, calls);
    }
    return calls;
  }

  unwanted(thread: number, call: number): void {
    this.#calls.get(thread)?.get(call)?.abort();
  }

  /** The thread is gone, and whatever its agents waited for is not wanted any more. */
  lost(thread: number): void {
    const calls = this.#calls.get(thread);
    // Those of its successor are others.
    this.#calls.delete(thread);
    for (const given of calls?.values() ?? []) given.abort();
  }

  /** The host ends: nobody waits any more. */
  close(): void {
    for (const thread of [...this.#calls.keys()]) this.lost(thread);
    this.home.close();
    this.#leases.close();
  }

  /** `host.lease.NAME.expired`, …: for whoever may listen to the host's own events. */
  #publish({ name, holder, token }: Lease, end: LeaseEnd): void {
    const bus = this.#options.bus();
    if (!bus.hasEventListeners) return;
    const body = JSON.stringify({ lease: name, holder, token, end });
    bus.publishEvent(`host.lease.${name}.${end}`, {
      contentType: 'application/json',
      headers: [],
      body: new TextEncoder().encode(body),
    });
  }
}

const namesOfLimits: { readonly [limit in SharingLimit]: string } = {
  leasesMax: 'leases held at once',
  channelsMax: 'channels made',
  channelValuesMax: 'values waiting in channels',
  channelBytesMax: 'bytes waiting in channels',
  signalsMax: 'signals waiting',
  groupsMax: 'groups joined',
};

function fullText(limit: SharingLimit, max: number): string {
  return `full: ${namesOfLimits[limit]}: ${max} is the most it may have; raise it with [limits] ${sharingNames[limit]}`;
}
