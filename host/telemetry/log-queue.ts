interface Sink {
  write(bytes: Uint8Array): Promise<void>;
}

const firstBytes = 4096;

/**
 * Log lines on their way to a sink that may lag: one write at a time, and what is logged meanwhile waits as
 * bytes in one buffer. A write a line would cost the host a promise each, and an agent can log millions.
 * Bounded by the agent's own output limit. A sink that fails is not the agent's business.
 */
export class LogQueue {
  readonly #sink: Sink;
  #waiting: Uint8Array = new Uint8Array(firstBytes);
  #length = 0;
  #draining: Promise<void> | undefined;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  write(bytes: Uint8Array): void {
    if (this.#draining === undefined) this.#draining = this.#drain(bytes);
    else this.#append(bytes);
  }

  /** Resolves when the sink has taken every line. */
  async flush(): Promise<void> {
    await this.#draining;
  }

  async #drain(first: Uint8Array): Promise<void> {
    try {
      for (let next = first; next.length > 0; next = this.#take()) await this.#sink.write(next);
    } catch {
      this.#length = 0;
    } finally {
      this.#draining = undefined;
    }
  }

  #take(): Uint8Array {
    const taken = this.#waiting.slice(0, this.#length);
    this.#length = 0;
    return taken;
  }

  #append(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#waiting.length) {
      const grown = new Uint8Array(Math.max(2 * this.#waiting.length, this.#length + bytes.length));
      grown.set(this.#waiting.subarray(0, this.#length));
      this.#waiting = grown;
    }
    this.#waiting.set(bytes, this.#length);
    this.#length += bytes.length;
  }
}
