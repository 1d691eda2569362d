/**
 * Makes `dist/` from the sources: few files instead of two hundred, because a short `host run` spends more
 * time on finding files than on running them. What every run takes is one file; what only some take stays apart.
 */
import { globSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root: string = import.meta.dirname;
const folder = join(root, 'dist');

/** What a cached run of a core module or a fast-lane agent loads. */
const hot: RegExp =
  /^\/host\/(?:[a-z-]+\.ts|cli\/(?:main|run|program|report|stdio|exit-code|grant-flags|command)\.ts|agent\/(?:invoke|judge|unavailable|value-size)\.ts|telemetry\/[a-z-]+\.ts|engine\/[a-z]+\.ts|engine\/(?:fast-lane|core-lane)\/|engine\/component\/(?:names|layout|values|types)\.ts)/;
const cold: RegExp =
  /^\/host\/(?:manifest|nearest|subject|secrets|engine\/(?:prepare|description|pool|moving|residence))\.ts|\/fast-lane\/(?:plan|shim)\.ts/;

/** `path` begins at the root: `/host/host.ts`. */
function isHot(path: string): boolean {
  return hot.test(path) && !cold.test(path);
}

async function bundle(): Promise<void> {
  const { rolldown } = await import('rolldown');
  rmSync(folder, { recursive: true, force: true });
  const build = await rolldown({
    cwd: root,
    platform: 'node',
    input: {
      index: 'host/index.ts',
      main: 'host/cli/main.ts',
      'transpile-worker': 'host/engine/general-lane/transpile-worker.ts',
      'prepare-worker': 'host/engine/prepare-worker.ts',
      'agent-thread': 'host/host/thread/main.ts',
      'thread-door': 'host/http/thread-door.ts',
      'audit-thread': 'host/audit/thread-main.ts',
      evaluator: 'guest-sdk/javascript/build/evaluator.ts',
    },
    external: /^(?:node:|[^./])/,
    logLevel: 'silent',
  });
  await build.write({
    dir: folder,
    format: 'esm',
    sourcemap: true,
    entryFileNames: '[name].js',
    // `host` begins with this file itself: an entry that only passes it on would be one more to find.
    chunkFileNames: ({ name }) => (name === 'hot' ? 'hot.js' : '[name]-[hash].js'),
    minifyInternalExports: false,
    codeSplitting: { groups: [{ name: 'hot', test: (id: string) => isHot(id.slice(root.length)) }] },
  });
  await build.close();
  // In a checkout `host` runs the sources instead as soon as one of these is newer.
  const sources = globSync(['host/**/*.{ts,js}', 'guest-sdk/**/build/*.ts', 'bundle.ts'], { cwd: root });
  writeFileSync(join(folder, 'inputs.json'), JSON.stringify(sources));
}

try {
  await bundle();
} catch (error) {
  // Without development dependencies there is no bundler; a checkout then runs its sources.
  if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) throw error;
  process.stderr.write('host: rolldown is not installed, so there is no dist/; sources run as they are\n');
}
