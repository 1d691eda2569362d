import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { resolveTarget, type WorldTarget } from '../../../guest-sdk/build/target.ts';
import { type Bindings, generateBindings } from '../../../guest-sdk/c/build/bindings.ts';
import { buildProgram } from '../../../guest-sdk/c/build/build-program.ts';
import type { CoreModuleShape } from '../../../host/engine/component/core-module.ts';
import { decodeComponent } from '../../../host/engine/component/decode.ts';
import { compareWithDummy } from '../../support/core-signatures.ts';
import { fc } from '../../support/properties.ts';
import { seedOf } from '../../support/seed.ts';
import { witType, writeWit } from '../../support/wit-values.ts';
import { folderOf, skip, worldOf } from './c-project.ts';

const router = join(import.meta.dirname, '../../../examples/router');

/** Exports that only trap: enough to link every function of a world. */
function stubs({ headerName, functions, destructors }: Bindings): string {
  const exports = [...functions.filter((one) => one.side === 'export'), ...destructors];
  return `#include "${headerName}"\n${exports.map((one) => `${one.prototype} {\n  __builtin_trap();\n}\n`).join('')}`;
}

/** The core module of a component with every import of its world, used or not. */
async function coreOf(target: WorldTarget): Promise<CoreModuleShape> {
  const folder = folderOf({ 'agent.c': stubs(generateBindings(target)) });
  const { bytes } = await buildProgram({
    folder,
    entry: 'agent.c',
    target,
    release: true,
    linkFlags: ['--no-gc-sections'],
  });
  const [module] = decodeComponent(bytes).modules;
  assert.ok(module?.kind === 'defined');
  return module.shape;
}

async function compare(target: WorldTarget): Promise<number> {
  return compareWithDummy(target, await coreOf(target));
}

test('core signatures equal those of the toolchain for our worlds and those of WASI', { skip }, async (t) => {
  const worlds = ['handler', 'agent', 'wasi:cli/command@0.2.0', 'wasi:http/proxy@0.2.0'] as const;
  for (const [folder, world] of [
    ...worlds.map((name) => ['.', name] as const),
    [router, 'router'] as const,
  ]) {
    const target = await resolveTarget(folder, world);
    assert.ok(target.kind === 'world');
    t.diagnostic(`${world}: ${await compare(target)} functions`);
  }
});

test('core signatures equal those of the toolchain for generated worlds', { skip }, async (t) => {
  const seed = seedOf('C_SEED');
  const { declarations, refs } = writeWit(fc.sample(witType(), { numRuns: 80, seed }));
  const functions = refs.map((ref, index) => {
    const next = refs[(index + 1) % refs.length];
    return `call${index}: func(a: ${ref}, b: ${next}, c: u8) -> ${ref};`;
  });
  const wit = `package a:b; interface t { ${declarations} ${functions.join('\n')} } world w { import t; export t; }`;
  t.diagnostic(`C_SEED=${seed}: ${await compare(await worldOf(wit, 'w'))} functions`);
});
