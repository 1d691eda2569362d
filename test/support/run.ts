import { systemClock, systemRandom } from '../../host/clock.ts';
import type { WasiGrants } from '../../host/engine/wasi/grants.ts';
import { type Call, createHost, type Host, type RunResult } from '../../host/host.ts';
import { defaultLimits, type Limits } from '../../host/limits.ts';

/** A host without a cache on disk, for runs in this thread. */
export function memoryHost(): Host {
  return createHost({ cacheFolder: undefined, clock: systemClock, random: systemRandom });
}

export interface Printed extends RunResult {
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly limits?: Partial<Limits>;
  readonly call?: Call;
  readonly grants?: Partial<WasiGrants>;
  readonly fuelSlice?: bigint;
  readonly signal?: AbortSignal;
}

/** Prepares and runs a program in this thread and keeps what it printed. */
export async function runBytes(
  host: Host,
  bytes: Uint8Array<ArrayBuffer>,
  options: RunOptions = {},
): Promise<Printed> {
  const printed = { stdout: '', stderr: '' };
  const sink = (name: 'stdout' | 'stderr'): WasiGrants['stdout'] => ({
    isTerminal: false,
    write: async (chunk) => {
      printed[name] += new TextDecoder().decode(chunk);
    },
  });
  const grants: WasiGrants = {
    args: ['program'],
    env: [],
    stdin: { isTerminal: false, read: async () => undefined },
    stdout: sink('stdout'),
    stderr: sink('stderr'),
    preopens: [],
    net: [],
    clock: systemClock,
    random: systemRandom,
    ...options.grants,
  };
  const {
    limits,
    call = { kind: 'main', message: { subject: 'test', body: new Uint8Array(0) } },
    fuelSlice,
    signal,
  } = options;
  const result = await host.run({
    artifact: await host.prepare(bytes),
    call,
    grants,
    limits: { ...defaultLimits, deadlineMs: 20_000, ...limits },
    ...(fuelSlice === undefined ? {} : { fuelSlice }),
    ...(signal === undefined ? {} : { signal }),
  });
  return { ...result, ...printed };
}
