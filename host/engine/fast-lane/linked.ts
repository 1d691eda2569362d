import { HostError } from '../../errors.ts';
import type { HostFunction, HostInterface, Linker } from '../linker.ts';
import type { ImportProgram, Program } from './program.ts';

/** What a linker offers one program, in the order of its imports. */
export interface Linked {
  readonly functions: readonly HostFunction[];
  readonly suspending: readonly boolean[];
}

/** What the imports of a program were like at last, which is what they are like for most: thousands share the list. */
const latest = new WeakMap<Program, readonly boolean[]>();

function shared(program: Program, suspending: readonly boolean[]): readonly boolean[] {
  const known = latest.get(program);
  if (known?.every((each, index) => each === suspending[index]) === true) return known;
  latest.set(program, suspending);
  return suspending;
}

/** @throws HostError `HOST_ERR_LINK_MISSING_IMPORT` with everything `linker` lacks */
export function linkImports(program: Program, linker: Linker): Linked {
  const count = program.imports.length;
  const functions = new Array<HostFunction>(count);
  const suspending = new Array<boolean>(count);
  let missing: Set<string> | undefined;
  let offered: HostInterface | undefined;
  let name: string | undefined;
  for (let index = 0; index < count; index += 1) {
    const { planned, key } = program.imports[index] as ImportProgram;
    // Imports of one interface stand together.
    if (planned.interface !== name) {
      name = planned.interface;
      offered = linker.get(name);
    }
    const found =
      offered !== undefined && Object.hasOwn(offered.functions, key) ? offered.functions[key] : undefined;
    if (typeof found !== 'function') {
      missing ??= new Set();
      missing.add(offered === undefined ? planned.interface : `${planned.interface}#${planned.func}`);
    }
    functions[index] = found as HostFunction;
    suspending[index] = offered?.suspending.has(planned.func) === true;
  }
  if (missing !== undefined) {
    throw new HostError(
      'HOST_ERR_LINK_MISSING_IMPORT',
      `the program imports what this host does not offer: ${[...missing].join(', ')}`,
      { missing: [...missing] },
    );
  }
  return { functions, suspending: shared(program, suspending) };
}
