import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { after, test } from 'node:test';
import { systemClock } from '../../host/clock.ts';
import { declaredTypes } from '../../host/engine/declared-types.ts';
import { createEngine } from '../../host/engine/engine.ts';
import { stopTranspiler } from '../../host/engine/general-lane/transpile.ts';
import { prepareProgram } from '../../host/engine/prepare.ts';
import { startPreparePool } from '../../host/engine/prepare-pool.ts';
import { assemble } from '../support/component-tools.ts';
import { wat } from '../support/wat.ts';

after(stopTranspiler);

const program: Uint8Array<ArrayBuffer> = await wat(
  '(module (func (export "_start") (loop $again (br_if $again (i32.const 0)))))',
);

test('a thread of the pool prepares what this thread would, to the byte', async () => {
  const pool = startPreparePool();
  const steps: string[] = [];
  const there = await pool.prepare(program, (step) => steps.push(step));
  assert.deepEqual(there, await prepareProgram(program, () => {}));
  assert.deepEqual(steps, []);
  assert.ok(program.length > 0, 'the caller keeps its bytes');
  await pool.close();
});

test('a refusal is the same HostError as here', async () => {
  const pool = startPreparePool();
  const text = new TextEncoder().encode('(module)');
  const here = await prepareProgram(text, () => {}).catch((error: Error) => error);
  await assert.rejects(
    pool.prepare(text, () => {}),
    {
      name: 'HostError',
      code: 'HOST_ERR_NOT_WASM',
      message: (here as Error).message,
    },
  );
  await pool.close();
});

test('of a pooled Buffer only the program goes over', async () => {
  const pool = startPreparePool();
  const pooled = Buffer.from(program);
  assert.ok(pooled.buffer.byteLength > pooled.length);
  const { facts } = await pool.prepare(pooled, () => {});
  assert.equal(facts.digest, hash('sha256', program));
  await pool.close();
});

test('types of modules that the pool compiled count in this thread, once', async () => {
  const taken = (): number => new Int32Array(declaredTypes.shared)[0] ?? 0;
  const pool = startPreparePool();
  const before = taken();
  const other = await wat('(module (type (func (param i32 i64 f32))) (func (export "_start")))');
  const { facts } = await pool.prepare(other, () => {});
  const [module] = facts.modules;
  assert.ok(module !== undefined && module.summary.typeCount > 0);
  assert.equal(taken() - before, module.summary.typeCount);
  declaredTypes.admit(module.digest, module.summary.typeCount);
  assert.equal(taken() - before, module.summary.typeCount);
  await pool.close();
});

test('more programs than may wait are refused with the limit named', async () => {
  const pool = startPreparePool({ queueMax: 1 });
  const asked = [0, 1, 2, 3, 4].map(() => pool.prepare(program, () => {}));
  const settled = await Promise.allSettled(asked);
  const refused = settled.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
  assert.ok(refused.length > 0 && refused.length < 5);
  for (const reason of refused) assert.equal(reason.code, 'HOST_ERR_BUDGET_EXHAUSTED');
  await pool.close();
});

test('an abort ends a preparation that waits and one that runs; the next one is done', async () => {
  const pool = startPreparePool();
  const aborting = new AbortController();
  const asked = [0, 1].map(() => pool.prepare(program, () => {}, aborting.signal));
  aborting.abort(new Error('the caller left'));
  for (const each of asked) await assert.rejects(each, /the caller left/);
  assert.equal((await pool.prepare(program, () => {})).facts.lane, 'core');
  await pool.close();
});

test('an engine with a pool prepares a component of the general lane there, and says when', async () => {
  const engine = createEngine({ cacheFolder: undefined, clock: systemClock, preparation: 'pool' });
  const bytes = await assemble(
    `(component (core module $m (func (export "f"))) (core instance $i (instantiate $m))
      (func (export "f") (canon lift (core func $i "f"))) (core instance (instantiate $m)))`,
  );
  const steps: string[] = [];
  const { facts, modules, gluePath } = await engine.prepare(new Uint8Array(bytes), (step) =>
    steps.push(step),
  );
  assert.equal(facts.lane, 'general');
  assert.deepEqual(steps, ['preparing']);
  assert.ok(gluePath !== undefined && existsSync(gluePath));
  assert.ok(modules.every((module) => WebAssembly.validate(module)));
  await engine.close();
  assert.ok(!existsSync(gluePath));
});
