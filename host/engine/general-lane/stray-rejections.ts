import { fileURLToPath } from 'node:url';
import { Stopped } from '../budget.ts';
import { Trap } from '../trap.ts';

/** The generated modules of this thread; bounded by the programs it has loaded. */
const glues = new Set<string>();

/**
 * From now on a promise that fails inside the module at `glueUrl` without anybody waiting for it ends no thread: jco
 * leaves some behind when a task is ended from outside. The call they belonged to is over, or ends at its deadline.
 */
export function absorbStrayRejections(glueUrl: string): void {
  if (glues.size === 0) process.on('unhandledRejection', judge);
  glues.add(glueUrl);
}

function judge(reason: unknown): void {
  if (reason instanceof Stopped || reason instanceof Trap) return;
  if (reason instanceof WebAssembly.RuntimeError || reason instanceof WebAssembly.Exception) return;
  const stack = reason instanceof Error ? (reason.stack ?? '') : '';
  for (const url of glues) if (stack.includes(url) || stack.includes(fileURLToPath(url))) return;
  throw reason;
}
