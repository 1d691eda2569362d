import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../host/clock.ts';
import { Budget } from '../../host/engine/budget.ts';
import { DeclaredTypes, typesPerProcessMax } from '../../host/engine/declared-types.ts';
import { createEngine } from '../../host/engine/engine.ts';
import { Linker } from '../../host/engine/linker.ts';
import { bounds } from '../../host/engine/meter/bounds.ts';
import { prepareProgram } from '../../host/engine/prepare.ts';
import { defaultLimits } from '../../host/limits.ts';
import { noGrants } from './wasi/preview2/grants.ts';

const full = { code: 'HOST_ERR_MODULE_UNSUPPORTED', message: /restart the host/ };

test('modules are admitted while there is room for their types, and again at any time', () => {
  const types = new DeclaredTypes(100);
  types.admit('a', 60);
  types.admit('b', 40);
  types.admit('a', 60);
  types.admit('empty', 0);
  assert.throws(() => types.admit('c', 1), full);
  types.admit('b', 40);
});

test('a module that does not fit leaves room for one that does', () => {
  const types = new DeclaredTypes(100);
  types.admit('a', 60);
  assert.throws(() => types.admit('b', 41), full);
  types.admit('c', 40);
});

const unsigned = (value: number): number[] =>
  value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];

/** A module of `bounds.typesMax` function types that no other `serial` has. */
function hostile(serial: number): Uint8Array<ArrayBuffer> {
  const section = unsigned(bounds.typesMax);
  for (let index = 0; index < bounds.typesMax; index += 1) {
    let left = serial * bounds.typesMax + index;
    section.push(0x60, 11);
    for (let at = 0; at < 11; at += 1, left >>>= 2) section.push(0x7c + (left & 3));
    section.push(0);
  }
  return Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, ...unsigned(section.length), ...section]);
}

test('a process refuses modules before V8 has no room for their types, and still runs what it knows', async () => {
  const taken = typesPerProcessMax / bounds.typesMax;
  const engine = createEngine({ cacheFolder: undefined, clock: systemClock });
  const known = await engine.prepare(hostile(0));
  for (let serial = 1; serial < taken; serial += 1) await prepareProgram(hostile(serial), () => {});
  await assert.rejects(
    prepareProgram(hostile(taken), () => {}),
    full,
  );
  const budget = new Budget({ limits: defaultLimits, clock: systemClock });
  const { instance, release } = await engine.launch(known, new Linker(), budget, noGrants);
  instance.dispose();
  await release();
  // A program from the cache of another process is counted when it is compiled here.
  const [module] = known.facts.modules;
  assert.ok(module !== undefined);
  const strange = { ...known, facts: { ...known.facts, modules: [{ ...module, digest: 'another' }] } };
  await assert.rejects(engine.launch(strange, new Linker(), budget, noGrants), full);
  await engine.close();
});
