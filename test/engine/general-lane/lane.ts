import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../host/clock.ts';
import { Budget } from '../../../host/engine/budget.ts';
import { decodeComponent } from '../../../host/engine/component/decode.ts';
import { worldOf } from '../../../host/engine/component/world.ts';
import { type CoreMinima, minimaOf } from '../../../host/engine/general-lane/core-linker.ts';
import type { PreparedGeneral, PreparedModule } from '../../../host/engine/general-lane/general-lane.ts';
import { suspendingImportsOf } from '../../../host/engine/general-lane/imports.ts';
import { transpileComponent } from '../../../host/engine/general-lane/transpile.ts';
import type { Linker } from '../../../host/engine/linker.ts';
import { meter } from '../../../host/engine/meter/meter.ts';
import { defaultLimits, type Limits } from '../../../host/limits.ts';

const folder = mkdtempSync(join(tmpdir(), 'motehost-general-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
let count = 0;

/** Transpiles a component and compiles its core modules as they are, without a meter. */
export async function prepareUnmetered(bytes: Uint8Array, linker: Linker): Promise<PreparedGeneral> {
  return await prepare(bytes, linker, (core) => ({ module: new WebAssembly.Module(core) }));
}

async function prepare(
  bytes: Uint8Array,
  linker: Linker,
  compile: (core: Uint8Array<ArrayBuffer>, isJoint: boolean) => PreparedModule,
): Promise<PreparedGeneral> {
  const component = decodeComponent(bytes);
  const world = worldOf(component);
  const suspendingImports = suspendingImportsOf(world, linker);
  const transpiled = await transpileComponent(component, { world, suspendingImports, deadlineMs: 60_000 });
  count += 1;
  const gluePath = join(folder, `glue-${count}.mjs`);
  writeFileSync(gluePath, transpiled.glue);
  const modules = new Map(
    transpiled.coreModules.map(({ name, isJoint, bytes }) => [name, compile(bytes, isJoint)]),
  );
  return { gluePath, modules, world };
}

/** As the engine prepares a component: every core module metered, all on one fuel cell. */
export async function prepareMetered(bytes: Uint8Array, linker: Linker): Promise<PreparedGeneral> {
  return await prepare(bytes, linker, (core, isJoint) => {
    const { bytes: metered, summary } = meter(core, { fuelCell: 'imported', shieldsImports: isJoint });
    return { module: new WebAssembly.Module(metered), minima: minimaOf(summary) };
  });
}

/** The same component with one of its core modules replaced: by the module that a meter would make of it. */
export function withModule(
  prepared: PreparedGeneral,
  name: string,
  bytes: Uint8Array,
  minima: CoreMinima,
): PreparedGeneral {
  const module = new WebAssembly.Module(new Uint8Array(bytes));
  return { ...prepared, modules: new Map([...prepared.modules, [name, { module, minima }]]) };
}

export function budgetWith(
  limits: Partial<Limits> = {},
  slices: { fuelSlice?: bigint; yieldMs?: number } = {},
): Budget {
  return new Budget({ limits: { ...defaultLimits, ...limits }, clock: systemClock, ...slices });
}
