/** What one agent has of the channels of a host. */
export interface Holding {
  /** Names of those it made that are there. */
  readonly channels: ReadonlySet<string>;
  /** Values it put that nobody has taken, those that wait for room included. */
  readonly values: number;
  readonly bytes: number;
}

interface Own extends Holding {
  readonly channels: Set<string>;
  values: number;
  bytes: number;
}

/** What agents have of the channels of a host; one that has nothing takes no room. */
export class Holdings {
  readonly #of = new Map<string, Own>();

  get size(): number {
    return this.#of.size;
  }

  of(agent: string): Holding {
    return this.#of.get(agent) ?? none;
  }

  /** A value of so many bytes is put. */
  add(agent: string, bytes: number): void {
    const own = this.#own(agent);
    own.values += 1;
    own.bytes += bytes;
  }

  /** It is taken, or was not put after all. */
  subtract(agent: string, bytes: number): void {
    const own = this.#own(agent);
    own.values -= 1;
    own.bytes -= bytes;
    this.#forget(agent, own);
  }

  made(agent: string, channel: string): void {
    this.#own(agent).channels.add(channel);
  }

  /** The channel is no more. */
  gone(agent: string, channel: string): void {
    const own = this.#own(agent);
    own.channels.delete(channel);
    this.#forget(agent, own);
  }

  #own(agent: string): Own {
    let own = this.#of.get(agent);
    if (own === undefined) {
      own = { channels: new Set(), values: 0, bytes: 0 };
      this.#of.set(agent, own);
    }
    return own;
  }

  #forget(agent: string, { values, channels }: Own): void {
    if (values === 0 && channels.size === 0) this.#of.delete(agent);
  }
}

const none: Holding = { channels: new Set(), values: 0, bytes: 0 };
