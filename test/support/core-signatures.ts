import assert from 'node:assert/strict';
import type { WorldTarget } from '../../guest-sdk/build/target.ts';
import { type CoreModuleShape, readCoreModule } from '../../host/engine/component/core-module.ts';
import { Reader } from '../../host/engine/component/reader.ts';

/** Types of a module's functions by the toolchain's newer names: `import a:b/c@1 f`, `export a:b/c@1|f`. */
function signatures(shape: CoreModuleShape): Map<string, string> {
  const newer = (name: string): string =>
    name
      .replace(/^cm32p2\|?/, '')
      .replace(/@(0\.\d+|[1-9]\d*)[\w.+-]*/, '@$1')
      .replace('$root', '')
      .replace('[export]', '_ex_')
      .replace('#', '|')
      .replace(/\[resource-(drop|new|rep)\](.*)/, '$2_$1')
      .replace(/\[dtor\](.*)/, '$1_dtor')
      .replace(/^\|/, '');
  const found = new Map<string, string>();
  for (const { module, name, type } of shape.imports)
    if (type.sort === 'func') found.set(`import ${newer(module)} ${newer(name)}`, JSON.stringify(type.type));
  for (const [name, type] of shape.exports)
    if (type.sort === 'func') found.set(`export ${newer(name)}`, JSON.stringify(type.type));
  return found;
}

/**
 * Checks that a core module has every function of the toolchain's own dummy module for the world, with its type.
 * @returns how many functions were compared
 */
export function compareWithDummy(target: WorldTarget, module: CoreModuleShape): number {
  const wanted = signatures(readCoreModule(new Reader(target.dummy, 0, target.dummy.length)));
  const made = signatures(module);
  let count = 0;
  for (const [name, type] of wanted) {
    // The allocator, the beginning, and what runs after a return, which only some functions need.
    if (/^export (_realloc|_initialize|.*_post)$/.test(name)) continue;
    assert.equal(made.get(name), type, `${target.name}: ${name}`);
    count += 1;
  }
  return count;
}
