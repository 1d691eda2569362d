import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const outputBytesMax = 1024 * 1024;
const graceMs = 10_000;

/** What the load generator saw of one server in one round. */
export interface Load {
  readonly requests: number;
  readonly perSecond: number;
  readonly p99Ms: number;
  /** Answers that were not 2xx, and connections that failed. */
  readonly errors: number;
}

/** Whether the load generator is installed. */
export async function hasWrk(): Promise<boolean> {
  try {
    await execute('wrk', ['--version']);
  } catch (thrown) {
    // It is there, and answers this question with 1.
    return thrown instanceof Error && 'code' in thrown && thrown.code !== 'ENOENT';
  }
  return true;
}

/** POSTs `body` over and over on so many connections, from one thread. */
export class Wrk {
  readonly #folder = mkdtempSync(join(tmpdir(), 'motehost-wrk-'));
  readonly #connections: number;

  constructor(body: string, connections: number) {
    this.#connections = connections;
    writeFileSync(this.#script, scriptOf(body));
  }

  get #script(): string {
    return join(this.#folder, 'post.lua');
  }

  async run(url: string, seconds: number): Promise<Load> {
    const args = [
      '-t1',
      `-c${this.#connections}`,
      `-d${seconds}s`,
      '--timeout',
      '10s',
      '-s',
      this.#script,
      url,
    ];
    const { stdout } = await execute('wrk', args, {
      maxBuffer: outputBytesMax,
      timeout: seconds * 1000 + graceMs,
    });
    const found = /^figures (\d+) (\d+) (\d+) (\d+)$/m.exec(stdout);
    if (found === null) throw new Error(`wrk says:\n${stdout}`);
    const [requests = 0, durationUs = 0, p99Us = 0, errors = 0] = found.slice(1).map(Number);
    return { requests, perSecond: (requests * 1e6) / durationUs, p99Ms: p99Us / 1000, errors };
  }

  close(): void {
    rmSync(this.#folder, { recursive: true });
  }
}

const scriptOf = (body: string): string => `wrk.method = "POST"
wrk.body = "${body}"
wrk.headers["content-type"] = "application/octet-stream"
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("figures %d %d %d %d\\n", summary.requests, summary.duration,
    latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end
`;
