import { HostError } from '../../../host/errors.ts';
import { versionedSpecifiers } from './sdk-sources.ts';
import type { World } from './world.ts';

/**
 * Refuses a core module that imports what its world does not have. The toolchain would refuse it too, in
 * words about modules, and could not be used again in this process.
 * @throws HostError `HOST_ERR_BUILD_FAILED` naming the imports
 */
export function requireKnownImports(core: Uint8Array<ArrayBuffer>, world: World): void {
  const known = new Set(
    world.form === 'core'
      ? ['wasi_snapshot_preview1']
      : versionedSpecifiers()
          .map(([name]) => name)
          .filter((name) => name.includes('@')),
  );
  const foreign = WebAssembly.Module.imports(new WebAssembly.Module(core))
    .filter(({ module }) => !known.has(module))
    .map(({ module, name }) => `${module} ${name}`);
  if (foreign.length === 0) return;
  throw new HostError(
    'HOST_ERR_BUILD_FAILED',
    `the program declares imports that world '${world.name}' does not have: ${foreign.join(', ')}; take the @external declarations away`,
    { imports: foreign },
  );
}
