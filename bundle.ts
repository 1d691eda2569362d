/**
 * Makes `dist/` from the sources: few files instead of two hundred, because a short `host run` spends more
 * time on finding files than on running them. Code that is loaded late stays in files of its own.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const root: string = import.meta.dirname;
const outdir = join(root, 'dist');

async function bundle(): Promise<void> {
  const { build } = await import('esbuild');
  rmSync(outdir, { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['host/index.ts', 'host/cli/main.ts', 'host/engine/general-lane/transpile-worker.ts'],
    outdir,
    entryNames: '[name]',
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node26',
    packages: 'external',
    keepNames: true,
    sourcemap: 'linked',
    sourcesContent: false,
    metafile: true,
    logLevel: 'error',
  });
  // What it was made from: in a checkout `host` runs the sources instead as soon as one of them is newer.
  const inputs = Object.keys(metafile.inputs).map((file) => relative(root, join(root, file)));
  writeFileSync(join(outdir, 'inputs.json'), JSON.stringify(inputs));
}

try {
  await bundle();
} catch (error) {
  // Without development dependencies there is no bundler; a checkout then runs its sources.
  if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) throw error;
  process.stderr.write('host: esbuild is not installed, so there is no dist/; sources run as they are\n');
}
