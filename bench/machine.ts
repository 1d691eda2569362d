import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';

/** Where and with what a bench ran; printed once per run, because figures mean nothing without it. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly platform: string;
  readonly node: string;
  readonly v8: string;
  readonly commit: string;
  /** One-minute load average at the start: above half the cores, trust ratios only. */
  readonly load: number;
}

export function readMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGib: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
    node: process.versions.node,
    v8: process.versions.v8,
    commit: readCommit(),
    load: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}

function readCommit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8', stdio: 'pipe' }).trim();
  try {
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain', '--', '../host') === '' ? '' : ', host/ changed'}`;
  } catch {
    return 'unknown';
  }
}

export function machineText(machine: Machine): string {
  return (
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGib} GiB, ${machine.platform}\n` +
    `node ${machine.node}, v8 ${machine.v8}, commit ${machine.commit}, load ${machine.load}`
  );
}
