import assert from 'node:assert/strict';
import { systemClock } from '../../../host/clock.ts';
import { Budget } from '../../../host/engine/budget.ts';
import { decodeComponent } from '../../../host/engine/component/decode.ts';
import { type FastInstance, instantiateFast } from '../../../host/engine/fast-lane/fast-lane.ts';
import { type FastPlan, planFastLane } from '../../../host/engine/fast-lane/plan.ts';
import { Linker } from '../../../host/engine/linker.ts';
import { meter } from '../../../host/engine/meter/meter.ts';
import { defaultLimits, type Limits } from '../../../host/limits.ts';
import { buildComponent } from '../../support/component-tools.ts';

export function budgetOf(limits: Partial<Limits> = {}): Budget {
  return new Budget({ limits: { ...defaultLimits, ...limits }, clock: systemClock });
}

/** Plans a component that is known to fit the fast lane. */
export function planOf(bytes: Uint8Array): FastPlan {
  const plan = planFastLane(decodeComponent(bytes));
  assert.ok(!('refused' in plan), 'refused' in plan ? plan.refused : '');
  return plan;
}

export interface Guest {
  readonly bytes: Uint8Array;
  readonly plan: FastPlan;
  start(options?: {
    readonly linker?: Linker;
    readonly budget?: Budget;
    readonly metered?: boolean;
  }): Promise<FastInstance>;
}

/** A guest from WAT and WIT, ready to be started on the fast lane, metered or as it is. */
export async function guestOf(
  wat: string,
  wit: string,
  encoding: 'utf8' | 'utf16' | 'compact-utf16' = 'utf8',
): Promise<Guest> {
  const bytes = await buildComponent(wat, wit, 'guest', encoding);
  const plan = planOf(bytes);
  const core = bytes.slice(plan.module.offset, plan.module.offset + plan.module.length);
  const plain = new WebAssembly.Module(core);
  const metered = new WebAssembly.Module(
    meter(core, { fuelCell: 'own', importCharges: plan.importCharges }).bytes,
  );
  return {
    bytes,
    plan,
    start: (options = {}) =>
      instantiateFast(
        plan,
        options.metered === true ? metered : plain,
        options.linker ?? new Linker(),
        options.budget ?? budgetOf(),
      ),
  };
}
