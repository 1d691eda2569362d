import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../host/clock.ts';
import { Budget } from '../../../host/engine/budget.ts';
import { decodeComponent } from '../../../host/engine/component/decode.ts';
import { worldOf } from '../../../host/engine/component/world.ts';
import type { PreparedGeneral } from '../../../host/engine/general-lane/general-lane.ts';
import { suspendingImportsOf } from '../../../host/engine/general-lane/imports.ts';
import { transpileComponent } from '../../../host/engine/general-lane/transpile.ts';
import type { Linker } from '../../../host/engine/linker.ts';
import { defaultLimits, type Limits } from '../../../host/limits.ts';

const folder = mkdtempSync(join(tmpdir(), 'motehost-general-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
let count = 0;

/** Transpiles a component and compiles its core modules as they are, without a meter. */
export async function prepareUnmetered(bytes: Uint8Array, linker: Linker): Promise<PreparedGeneral> {
  const component = decodeComponent(bytes);
  const world = worldOf(component);
  const suspendingImports = suspendingImportsOf(world, linker);
  const transpiled = await transpileComponent(component, { world, suspendingImports, deadlineMs: 60_000 });
  count += 1;
  const gluePath = join(folder, `glue-${count}.mjs`);
  writeFileSync(gluePath, transpiled.glue);
  const modules = new Map(
    transpiled.coreModules.map(({ name, bytes }) => [name, { module: new WebAssembly.Module(bytes) }]),
  );
  return { gluePath, modules, world, hasTasks: transpiled.hasTasks };
}

export function budgetWith(limits: Partial<Limits> = {}): Budget {
  return new Budget({ limits: { ...defaultLimits, ...limits }, clock: systemClock });
}
