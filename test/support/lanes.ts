import { type FastInstance, instantiateFast } from '../../host/engine/fast-lane/fast-lane.ts';
import { instantiateGeneral } from '../../host/engine/general-lane/general-lane.ts';
import type { Instance } from '../../host/engine/instance.ts';
import { Linker } from '../../host/engine/linker.ts';
import { meter } from '../../host/engine/meter/meter.ts';
import { planOf } from '../engine/fast-lane/fast-guest.ts';
import { budgetWith, prepareMetered } from '../engine/general-lane/lane.ts';

/** A component on our own lane, metered as `host run` does. */
export function onFastLane(component: Uint8Array, linker: Linker = new Linker()): Promise<FastInstance> {
  const plan = planOf(component);
  const { offset, length } = plan.module;
  const core = new Uint8Array(component).slice(offset, offset + length);
  const { bytes } = meter(core, { fuelCell: 'own', importCharges: plan.importCharges });
  return instantiateFast(plan, new WebAssembly.Module(bytes), linker, budgetWith());
}

/** A component on jco's output, metered as `host run` does; `stopTranspiler` when the tests are over. */
export async function onGeneralLane(component: Uint8Array, linker: Linker = new Linker()): Promise<Instance> {
  return instantiateGeneral(await prepareMetered(component, linker), linker, budgetWith());
}
