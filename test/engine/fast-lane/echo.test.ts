import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../../host/clock.ts';
import { Budget } from '../../../host/engine/budget.ts';
import { decodeComponent } from '../../../host/engine/component/decode.ts';
import { type FastInstance, instantiateFast } from '../../../host/engine/fast-lane/fast-lane.ts';
import { planFastLane } from '../../../host/engine/fast-lane/plan.ts';
import { type HostFunction, Linker, WitError } from '../../../host/engine/linker.ts';
import { defaultLimits } from '../../../host/limits.ts';
import { type EchoComponent, echoComponent, echoHost } from '../../support/echo-component.ts';
import { fc } from '../../support/properties.ts';
import { seedOf } from '../../support/seed.ts';
import { witType, witValue, writeWit } from '../../support/wit-values.ts';

async function start(echo: EchoComponent): Promise<FastInstance> {
  const plan = planFastLane(decodeComponent(echo.bytes));
  assert.ok(!('refused' in plan), 'refused' in plan ? plan.refused : '');
  const { offset, length } = plan.module;
  const module = new WebAssembly.Module(echo.bytes.slice(offset, offset + length));
  const functions = Object.fromEntries(
    echo.types.map((type, index): [string, HostFunction] => [
      `echo${index}`,
      (value: unknown) => {
        const fallible = typeof type === 'number' && echo.world.types[type]?.kind === 'result';
        if (!fallible) return value;
        const { tag, val } = value as { tag: string; val: unknown };
        if (tag === 'err') throw new WitError(val);
        return val;
      },
    ]),
  );
  const linker = new Linker().define(echoHost, { functions, suspending: new Set() });
  return await instantiateFast(
    plan,
    module,
    linker,
    new Budget({ limits: defaultLimits, clock: systemClock }),
  );
}

for (const encoding of ['utf8', 'utf16', 'compact-utf16'] as const) {
  test(`every value of generated types comes back unchanged through exports and imports in ${encoding}`, async () => {
    const seed = seedOf('ECHO_SEED');
    const types = fc.sample(witType(), { numRuns: 40, seed });
    const { declarations, refs } = writeWit(types);
    const echo = await echoComponent(declarations, refs, encoding);
    const instance = await start(echo);
    for (const [index, type] of echo.types.entries()) {
      await fc.assert(
        fc.asyncProperty(witValue(echo.world.types, type), async (value) => {
          const where = `ECHO_SEED=${seed}, ${refs[index]}`;
          assert.deepStrictEqual(await instance.call(`echo${index}`, [value]), value, where);
          assert.deepStrictEqual(instance.callSync(`relay${index}`, [value]), value, where);
        }),
        { numRuns: 10 },
      );
    }
  });
}
