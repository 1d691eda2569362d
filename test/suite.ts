/**
 * Runs the test files: `node test/suite.ts` all of them, `node test/suite.ts FILE…` some. What each of them would do again is
 * done once: sources are made ready to run in a folder that every process reads (`support/ready-code.ts`), agents in
 * AssemblyScript are compiled by one process that has its compiler warm (`support/workshop.ts`), programs are prepared, and
 * threads run a bundle (`support/preload.ts`).
 */
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { bundleCurrent } from './support/current-bundle.ts';
import { readyCode } from './support/ready-code.ts';
import { startWorkshop } from './support/workshop.ts';

const root = join(import.meta.dirname, '..');
const testMsMax = 300_000;

const named = process.argv.slice(2);
const files = named.length > 0 ? named : globSync('test/**/*.test.ts', { cwd: root }).sort();

const cacheFolder = mkdtempSync(join(tmpdir(), 'motehost-prepared-'));
process.env.MOTEHOST_TEST_CACHE = cacheFolder;
bundleCurrent(root);
process.env.NODE_COMPILE_CACHE = await readyCode(root);
await using workshop = await startWorkshop();
process.env.MOTEHOST_TEST_WORKSHOP = workshop.address;

const events = run({
  cwd: root,
  files,
  concurrency: availableParallelism(),
  timeout: testMsMax,
  execArgv: ['--import', join(import.meta.dirname, 'support/preload.ts')],
});
events.on('test:fail', () => {
  process.exitCode = 1;
});
const { promise: isOver, resolve } = Promise.withResolvers<void>();
events.compose(spec).on('end', resolve).pipe(process.stdout);
await isOver;
rmSync(cacheFolder, { recursive: true, force: true });
