import { HostError } from '../../errors.ts';
import { type Budget, meterImports } from '../budget.ts';
import type { Preview1 } from '../wasi/preview1/preview1.ts';

const meterModule = 'motehost:meter';
/** How many missing imports a message lists; the error's data has them all. */
const missingListedMax = 20;

/**
 * The imports of a core module: the meter's, and WASI preview1 where it was granted.
 * @throws HostError `HOST_ERR_LINK_MISSING_IMPORT` with everything that is missing
 */
export function coreImports(
  module: WebAssembly.Module,
  preview1: Preview1 | undefined,
  budget: Budget,
  getMemory: () => WebAssembly.Memory,
): WebAssembly.Imports {
  const wanted = WebAssembly.Module.imports(module);
  const offered: WebAssembly.Imports = { [meterModule]: meterImports({ budget }) };
  for (const snapshot of snapshots) {
    if (preview1 !== undefined && wanted.some((each) => each.module === snapshot))
      offered[snapshot] = preview1.imports(getMemory, snapshot);
  }
  const missing = wanted.filter(({ module: from, name, kind }) => {
    const functions = Object.hasOwn(offered, from) ? offered[from] : undefined;
    return kind !== 'function' || functions === undefined || !Object.hasOwn(functions, name);
  });
  if (missing.length > 0) refuse(missing);
  return offered;
}

/**
 * Says what a module lacks before anybody asks for its exports: one that was built for a page with JavaScript
 * has neither, and its imports tell why. What a function of WASI is called is only checked when it is linked.
 * @throws HostError `HOST_ERR_LINK_MISSING_IMPORT` when something is imported that no grant would offer
 */
export function requireOffered(wanted: readonly Wanted[]): void {
  const missing = wanted.filter(({ module, kind }) => kind !== 'function' || !isSnapshot(module));
  if (missing.length > 0) refuse(missing);
}

type Wanted = Pick<WebAssembly.ModuleImportDescriptor, 'module' | 'name'> & { readonly kind: string };

const snapshots = ['wasi_snapshot_preview1', 'wasi_unstable'] as const;

const isSnapshot = (module: string): boolean => snapshots.some((name) => name === module);

function refuse(missing: readonly Wanted[]): never {
  const names = missing.map(({ module, name }) => `${module}.${name}`);
  const rest = names.length - missingListedMax;
  const list = names.slice(0, missingListedMax).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
  const hints = [...new Set(missing.map(hintFor))].join('; ');
  throw new HostError(
    'HOST_ERR_LINK_MISSING_IMPORT',
    `the module imports what this host does not offer: ${list}. ${hints}`,
    { missing: names },
  );
}

/** What AssemblyScript's own library asks of a JavaScript page. */
const assemblyScript = /^(?:abort|seed|trace|(?:console|Date|Math|performance|process|crypto)\.\w+)$/;

/** What usually made such an import, and what to do about it. */
function hintFor({ module, name, kind }: Wanted): string {
  if (kind !== 'function')
    return `a ${kind} cannot be imported: build the module so that it defines its own (no --import-memory)`;
  if (isSnapshot(module)) return `${module} has no function of that name`;
  if (module === 'env' && assemblyScript.test(name))
    return 'an AssemblyScript agent is built with `host build`, which replaces env.*; functions alone with asc --use abort=';
  if (module === 'env')
    return 'env.* is for a JavaScript page: build for wasm32-wasip1 or as a component instead';
  if (module.startsWith('__wbindgen') || module === 'wbg')
    return 'wasm-bindgen output needs a JavaScript page: build for wasm32-wasip1 or as a component instead';
  if (module.startsWith('gojs') || module === 'go')
    return 'GOOS=js output needs a JavaScript page: build with GOOS=wasip1 instead';
  if (module.includes(':') || module === '$root')
    return 'these are WIT names: wrap the module as a component first (`host build` does)';
  if (module === 'a')
    return 'Emscripten output needs a JavaScript page: build with -sSTANDALONE_WASM, or for wasm32-wasip1';
  return 'a core module may import wasi_snapshot_preview1 only';
}
