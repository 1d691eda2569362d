import { registerHooks } from 'node:module';
import { isMainThread } from 'node:worker_threads';

// Loaded by the processes of test files and by their threads, before anything else.

/** More than any file takes, on a machine that does much else. */
const fileMsMax = 420_000;

/**
 * Threads of a host that is tested run the bundle made of the same sources: a thread starts in a third of the time with few
 * files, and more than half of what a short test of a whole host takes is starting its threads.
 */
const bundled: Readonly<Record<string, string>> = {
  'host/host/thread/main.ts': 'agent-thread.js',
  'host/audit/thread-main.ts': 'audit-thread.js',
  'host/http/thread-door.ts': 'thread-door.js',
  'host/engine/prepare-worker.ts': 'prepare-worker.js',
  'host/engine/general-lane/transpile-worker.ts': 'transpile-worker.js',
};

function runBundles(): void {
  const urlOf = (path: string): string => new URL(`../../${path}`, import.meta.url).href;
  const entries = new Map(Object.entries(bundled).map(([from, to]) => [urlOf(from), urlOf(`dist/${to}`)]));
  registerHooks({
    resolve: (specifier, context, next) => {
      const found = next(specifier, context);
      const entry = entries.get(found.url);
      return entry === undefined ? found : { ...found, url: entry, format: 'module' };
    },
  });
}

/** A test that failed may leave behind what would keep its file's process for ever, and nobody would hear of it. */
function endInTime(): void {
  setTimeout(() => {
    const open = process.getActiveResourcesInfo().join(', ');
    process.stderr.write(`the file did not end in ${fileMsMax / 1000} s; still open: ${open}\n`);
    process.exit(1);
  }, fileMsMax).unref();
}

if (!isMainThread) runBundles();
else if (process.env.NODE_TEST_CONTEXT !== undefined) endInTime();
