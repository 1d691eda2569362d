import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { systemClock } from '../../../../host/clock.ts';
import { Budget } from '../../../../host/engine/budget.ts';
import { createEngine } from '../../../../host/engine/engine.ts';
import { Linker } from '../../../../host/engine/linker.ts';
import type { WasiGrants } from '../../../../host/engine/wasi/grants.ts';
import { defaultLimits, type Limits } from '../../../../host/limits.ts';

/** A core module in text and the world it is built for, as a component. */
export async function component(
  wat: string,
  witSource: string,
  world: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const core = await parse(wat);
  const embedded = await componentEmbed({ binary: core, witSource, world });
  return new Uint8Array(await componentNew(embedded, []));
}

/** Runs a command component from its bytes to its end, metered, as the host does. */
export async function runCommand(
  bytes: Uint8Array<ArrayBuffer>,
  grants: WasiGrants,
  limits: Partial<Limits> = {},
): Promise<{ readonly budget: Budget; readonly result: unknown }> {
  const engine = createEngine({ cacheFolder: undefined, clock: systemClock });
  try {
    const artifact = await engine.prepare(bytes);
    const budget = new Budget({ limits: { ...defaultLimits, ...limits }, clock: systemClock });
    const { instance, release } = await engine.launch(artifact, new Linker(), budget, grants);
    const result = await instance.call('wasi:cli/run@0.2.0#run', []).catch((thrown: unknown) => thrown);
    await release();
    return { budget, result };
  } finally {
    await engine.close();
  }
}
