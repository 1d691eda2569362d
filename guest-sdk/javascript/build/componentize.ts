import { compatibleName } from '../../../host/engine/linker.ts';
import { wrapComponent } from '../../build/component.ts';
import { stripCustomSections } from '../../build/strip.ts';
import type { WorldTarget } from '../../build/target.ts';
import type { Bundle } from './bundle.ts';
import { loadEngine } from './engine.ts';
import { engineName, worldName } from './engine-names.ts';
import { evaluate, type Program } from './evaluate.ts';
import type { CoreImport } from './link/core-module.ts';
import { flatten } from './link/flatten.ts';
import type { Source } from './link/link.ts';
import { nothing, trap, zeroSeed } from './repairs.ts';
import { worldInterface } from './world-data.ts';

/**
 * A component of the world from a bundled program: the engine evaluates the bundle, and what is then in its
 * memory becomes part of the component.
 * @param deadlineMs for the evaluation
 * @throws HostError `HOST_ERR_TOOL_MISSING`; `EvaluationError` when the evaluation fails
 */
export async function componentizeBundle(
  bundle: Bundle,
  target: WorldTarget,
  deadlineMs: number,
): Promise<Uint8Array> {
  const engine = loadEngine();
  const component = await evaluate(engine, programOf(bundle, target), deadlineMs);
  const core = flatten(component, {
    engineImports: engine.imports,
    nameOf: worldName,
    outside: (wanted, isEngine) =>
      isEngine ? engineInput(wanted, bundle, target) : programImport(wanted, bundle),
  });
  return stripCustomSections(await wrapComponent(core, target, 'utf8'));
}

/** The bundle and its world under the names that the engine is told. */
export function programOf({ code }: Bundle, { wit, worldName }: WorldTarget): Program {
  return { code, wit: engineName(wit.text), world: engineName(worldName) };
}

/**
 * What the engine itself asks of the outside. It gets the world's clocks if the program asks for the time; all
 * else ends the instance, for it is asked for only when something is wrong.
 */
function engineInput(
  wanted: CoreImport,
  { usesDate, usesPerformance }: Bundle,
  { world }: WorldTarget,
): Source {
  const { module, name } = wanted;
  if (name === 'reset_adapter_state' || name.startsWith('[resource-drop]'))
    return { kind: 'added', body: nothing };
  if (name === 'insecure-seed') return { kind: 'added', body: zeroSeed };
  const isClock = module.startsWith('wasi:clocks/wall-clock@') ? usesDate : usesPerformance;
  if (name === 'now' && isClock) {
    const found = world.imports.find((item) => compatibleName(item.name) === compatibleName(module));
    if (found !== undefined) return { kind: 'import', module: found.name, name };
  }
  return { kind: 'added', body: trap };
}

/** The world's functions, but for interfaces the program does not name: a component imports what it uses. */
function programImport(wanted: CoreImport, { interfaces }: Bundle): Source {
  const { name } = wanted;
  const module = worldName(wanted.module);
  const isUsed = module.startsWith('[export]') || module === worldInterface || interfaces.has(module);
  return isUsed ? { kind: 'import', module, name } : { kind: 'added', body: trap };
}
