import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../host/clock.ts';
import { Budget } from '../host/engine/budget.ts';
import { decodeComponent } from '../host/engine/component/decode.ts';
import { worldOf } from '../host/engine/component/world.ts';
import { type FastInstance, instantiateFast } from '../host/engine/fast-lane/fast-lane.ts';
import { planFastLane } from '../host/engine/fast-lane/plan.ts';
import { instantiateGeneral } from '../host/engine/general-lane/general-lane.ts';
import { stopTranspiler, transpileComponent } from '../host/engine/general-lane/transpile.ts';
import type { Instance } from '../host/engine/instance.ts';
import { Linker } from '../host/engine/linker.ts';
import { meter } from '../host/engine/meter/meter.ts';
import { defaultLimits } from '../host/limits.ts';
import { type Echo, type EchoForm, echoComponent } from './echo.ts';

/** Long enough that no bench meets it; all other limits are the defaults. */
const limits = { ...defaultLimits, deadlineMs: 3_600_000 };
const linker = new Linker();

/** As the host runs it: metered and limited, an account of its own for each instance. */
const newBudget = (): Budget => new Budget({ limits, clock: systemClock });

class SyncEcho implements Echo {
  readonly #instance: FastInstance;
  constructor(instance: FastInstance) {
    this.#instance = instance;
  }
  echo(bytes: Uint8Array): Uint8Array {
    return this.#instance.callSync('echo', [bytes]) as Uint8Array;
  }
}

class AsyncEcho implements Echo {
  readonly #instance: Instance;
  constructor(instance: Instance) {
    this.#instance = instance;
  }
  echo(bytes: Uint8Array): Promise<Uint8Array> {
    return this.#instance.call('echo', [bytes]) as Promise<Uint8Array>;
  }
}

function fastForm(name: string, hold: (instance: FastInstance) => Echo): EchoForm {
  const bytes = echoComponent();
  const plan = planFastLane(decodeComponent(bytes));
  if ('refused' in plan) throw new Error(`the fast lane refuses the echo component: ${plan.refused}`);
  const { offset, length } = plan.module;
  const options = { fuelCell: 'own', importCharges: plan.importCharges } as const;
  const module = new WebAssembly.Module(meter(bytes.slice(offset, offset + length), options).bytes);
  return { name, instantiate: async () => hold(await instantiateFast(plan, module, linker, newBudget())) };
}

export const fastSyncName = 'fast lane, sync';
export const fastAsyncName = 'fast lane, promising';
export const generalName = 'general lane, promising';

/** The fast lane, called without a stack of its own. */
export function fastSyncForm(): EchoForm {
  return fastForm(fastSyncName, (instance) => new SyncEcho(instance));
}

/** The fast lane, called so that the guest can be paused. */
export function fastAsyncForm(): EchoForm {
  return fastForm(fastAsyncName, (instance) => new AsyncEcho(instance));
}

/** The same component on the general lane: jco's output with the same meter and limits. */
export async function generalForm(): Promise<EchoForm> {
  const component = decodeComponent(echoComponent());
  const world = worldOf(component);
  const transpiled = await transpileComponent(component, {
    world,
    suspendingImports: [],
    deadlineMs: 60_000,
  });
  await stopTranspiler();
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const gluePath = join(folder, 'glue.mjs');
  writeFileSync(gluePath, transpiled.glue);
  process.on('exit', () => rmSync(folder, { recursive: true }));
  const modules = new Map(
    transpiled.coreModules.map(({ name, bytes }) => {
      const metered = meter(bytes, { fuelCell: 'imported' });
      const minima = { memoryPages: 1, tableElements: 0 };
      return [name, { module: new WebAssembly.Module(metered.bytes), minima }] as const;
    }),
  );
  const prepared = { gluePath, modules, world };
  return {
    name: generalName,
    instantiate: async () => new AsyncEcho(await instantiateGeneral(prepared, linker, newBudget())),
  };
}
