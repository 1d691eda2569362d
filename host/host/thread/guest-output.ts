import type { OutputSink } from '../../engine/wasi/grants.ts';

const lineBytesMax = 16_384;

/** A guest's standard output or error as lines of the log. What has no end yet waits, up to a bound. */
export class GuestOutput implements OutputSink {
  readonly isTerminal = false;
  readonly #write: (text: string) => void;
  /** Made with the first bytes: there may be thousands of guests that write none. */
  #decoder: TextDecoder | undefined;
  #rest = '';

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#decoder ??= new TextDecoder();
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#write(line);
    if (this.#rest.length > lineBytesMax) this.end();
  }

  /** What has no line end yet is a line all the same. */
  end(): void {
    if (this.#rest !== '') this.#write(this.#rest);
    this.#rest = '';
  }
}
