import { HostError } from '../../errors.ts';
import type { HostFunction, HostInterface, Linker } from '../linker.ts';
import type { Program } from './program.ts';

/** What a linker offers one program, in the order of its imports. */
export interface Linked {
  readonly functions: readonly HostFunction[];
  readonly suspending: readonly boolean[];
}

/** @throws HostError `HOST_ERR_LINK_MISSING_IMPORT` with everything `linker` lacks */
export function linkImports(program: Program, linker: Linker): Linked {
  const functions: HostFunction[] = [];
  const suspending: boolean[] = [];
  let missing: Set<string> | undefined;
  let offered: HostInterface | undefined;
  let name: string | undefined;
  for (const { planned, key } of program.imports) {
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
    functions.push(found as HostFunction);
    suspending.push(offered?.suspending.has(planned.func) === true);
  }
  if (missing !== undefined) {
    throw new HostError(
      'HOST_ERR_LINK_MISSING_IMPORT',
      `the program imports what this host does not offer: ${[...missing].join(', ')}`,
      { missing: [...missing] },
    );
  }
  return { functions, suspending };
}
