import { wasmtimeCosts } from './costs.ts';
import type { MeterOptions } from './options.ts';
import { ModuleRewriter } from './rewrite.ts';
import type { ModuleSummary } from './summary.ts';

export { reservedName } from './added.ts';
export type { MeterOptions } from './options.ts';
export { exportNames, type ModuleSummary } from './summary.ts';

/** Part of every cache key: changes whenever the same input may give other bytes. */
export const meterVersion: string = 'meter-8';

export interface MeteredModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly summary: ModuleSummary;
}

/**
 * Rewrites a core module so that it counts fuel and asks before it grows.
 *
 * The cell counts down. When a test finds it below 0, the module calls import `out` of `motehost:meter`
 * (`() -> i32`, which grants a new slice or leaves the cell negative), then `pause` (`() -> ()`, suspending)
 * if the answer was not 0; if the cell is negative still, it traps with `unreachable`. Growing asks
 * `grow_memory` / `grow_table` (`(i32) -> i32`, 0 refuses). The start function becomes the export
 * `motehost:meter/start`, to be run right after instantiation; memories, tables and mutable numeric globals
 * are exported for snapshots (`exportNames`).
 *
 * @throws HostError `HOST_ERR_MODULE_MALFORMED` with the byte offset
 * @throws HostError `HOST_ERR_MODULE_UNSUPPORTED` naming the feature
 * @throws HostError `HOST_ERR_LIMIT_TOO_SMALL` when a declared minimum is over a clamp
 */
export function meter(bytes: Uint8Array, options: MeterOptions): MeteredModule {
  const rewriter = new ModuleRewriter(bytes, { costs: wasmtimeCosts, ...options });
  const metered = rewriter.rewrite();
  return { bytes: metered, summary: rewriter.summary() };
}

/** Describes a core module without rewriting it; its function bodies are read too. Throws as `meter`. */
export function describe(bytes: Uint8Array): ModuleSummary {
  const rewriter = new ModuleRewriter(bytes, { costs: wasmtimeCosts, fuelCell: 'own' });
  rewriter.scan();
  return rewriter.summary();
}
