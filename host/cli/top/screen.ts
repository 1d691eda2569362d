import { systemClock } from '../../clock.ts';
import { isReaderGone, isTerminal } from '../stdio.ts';
import type { FrameSize } from './frame.ts';

const enter = '\x1b[?1049h\x1b[?25l';
const leave = '\x1b[?25h\x1b[?1049l';
const home = '\x1b[H';
const clearRight = '\x1b[K';
const clearBelow = '\x1b[J';
const strong = (line: string): string => `\x1b[1m${line}\x1b[0m`;
const endKeys: readonly string[] = ['q', 'Q', '\x03', '\x04'];

/** Where frames are drawn: over each other on a terminal, which is given back as it was; else one after the other. */
export class Screen {
  readonly #isLive: boolean;
  readonly #end = new AbortController();
  readonly #onSignal = (): void => this.#end.abort();
  #resized: () => void = () => {};
  readonly #onResize = (): void => this.#resized();
  readonly #onKey = (key: Buffer): void => {
    if (endKeys.includes(key.toString('latin1'))) this.#end.abort();
  };

  /** Nobody reads any more, as after `head`: that is the end, and no failure. */
  readonly #onUnread = (error: Error): void => {
    if (!isReaderGone(error)) throw error;
    this.#end.abort();
  };

  constructor(isLive: boolean) {
    this.#isLive = isLive;
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, this.#onSignal);
    process.stdout.on('error', this.#onUnread);
    if (!isLive) return;
    process.stdout.on('resize', this.#onResize);
    if (isTerminal(0)) process.stdin.setRawMode(true).on('data', this.#onKey);
    process.stdout.write(enter);
  }

  get isEnded(): boolean {
    return this.#end.signal.aborted;
  }

  get size(): FrameSize {
    const { columns, rows } = process.stdout;
    const unbounded = { columns: Number.POSITIVE_INFINITY, rows: Number.POSITIVE_INFINITY };
    return this.#isLive && columns > 0 && rows > 0 ? { columns, rows } : unbounded;
  }

  draw(lines: readonly string[]): void {
    if (!this.#isLive) {
      process.stdout.write(`${lines.join('\n')}\n\n`);
      return;
    }
    const [head = '', ...rest] = lines;
    const shown = [strong(head), ...rest].join(`${clearRight}\r\n`);
    process.stdout.write(`${home}${shown}${clearRight}${clearBelow}`);
  }

  /** Waits; shorter when the terminal's size changes or somebody wants an end. */
  async pause(ms: number): Promise<void> {
    const wake = new AbortController();
    this.#resized = () => wake.abort();
    await systemClock.sleep(ms, AbortSignal.any([wake.signal, this.#end.signal])).catch(() => {});
  }

  close(): void {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(name, this.#onSignal);
    if (!this.#isLive) return;
    process.stdout.off('resize', this.#onResize);
    if (isTerminal(0)) process.stdin.off('data', this.#onKey).setRawMode(false).pause();
    process.stdout.write(leave);
  }
}
