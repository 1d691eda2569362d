import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ofTest } from './of-test.ts';

const bin = resolve(import.meta.dirname, '../../host/cli/bin.js');
const cacheFolder = mkdtempSync(join(tmpdir(), 'motehost-test-'));

/** What one stream of a process has printed, waited for piece by piece. */
export class Transcript {
  readonly #isEnded: () => boolean;
  #printed = '';
  #seen = 0;
  #wake: () => void = () => {};

  constructor(isEnded: () => boolean) {
    this.#isEnded = isEnded;
  }

  /** Everything so far. */
  get printed(): string {
    return this.#printed;
  }

  /** More has come, or nothing more will. */
  add(text: string): void {
    this.#printed += text;
    this.#wake();
  }

  /**
   * Waits for something after what was waited for before.
   * @throws Error with all that was printed when the process ends without it
   */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#printed.slice(this.#seen));
      if (match !== null) {
        this.#seen += match.index + match[0].length;
        return match;
      }
      if (this.#isEnded()) throw new Error(`no ${pattern} in:\n${this.#printed}`);
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
    }
  }
}

/** A `host` that goes on until it is told to end, or the test that started it ends. */
export class HostProcess implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #closed: Promise<unknown[]>;
  #isClosed = false;
  readonly stdout: Transcript = new Transcript(() => this.#isClosed);
  readonly stderr: Transcript = new Transcript(() => this.#isClosed);

  /** `entry` is what Node runs: `host` itself, unless a test joins its parts differently. */
  constructor(args: readonly string[], cwd: string, entry: string = bin) {
    const { HOST_FUEL: _fuel, HOST_CONFIG: _config, ...inherited } = process.env;
    const env = {
      ...inherited,
      HOST_CACHE: process.env.MOTEHOST_TEST_CACHE ?? cacheFolder,
      XDG_CONFIG_HOME: cacheFolder,
    };
    this.#child = spawn(process.execPath, [entry, ...args], { env, cwd, stdio: 'pipe' });
    this.#closed = once(this.#child, 'close');
    for (const name of ['stdout', 'stderr'] as const)
      this.#child[name].setEncoding('utf8').on('data', (text: string) => this[name].add(text));
    this.#child.on('close', () => {
      this.#isClosed = true;
      for (const name of ['stdout', 'stderr'] as const) this[name].add('');
    });
    ofTest(
      () => this.#isClosed || this.kill('SIGKILL'),
      () =>
        `host ${args.join(' ')} said on stdout:\n${this.stdout.printed}\nand on stderr:\n${this.stderr.printed}`,
    );
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  write(text: string): void {
    this.#child.stdin.write(text);
  }

  /** Sends a signal and does not wait for what comes of it. */
  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends a signal and waits for the end; its exit code. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.#child.kill(signal);
    await this.#closed;
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isClosed) await this.end('SIGKILL');
  }
}
