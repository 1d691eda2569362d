/**
 * Runs the test files: `node test/suite.ts` all of them, `node test/suite.ts FILE…` some. What each of them would do again is
 * done once: sources are made ready to run in a folder that every process reads (`support/ready-code.ts`), and agents in
 * AssemblyScript are compiled by one process that has its compiler warm (`support/workshop.ts`).
 */
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { readyCode } from './support/ready-code.ts';
import { startWorkshop } from './support/workshop.ts';

const root = join(import.meta.dirname, '..');
const testMsMax = 300_000;

const named = process.argv.slice(2);
const files = named.length > 0 ? named : globSync('test/**/*.test.ts', { cwd: root }).sort();

process.env.NODE_COMPILE_CACHE = await readyCode(root);
await using workshop = await startWorkshop();
process.env.MOTEHOST_TEST_WORKSHOP = workshop.address;

const events = run({
  cwd: root,
  files,
  concurrency: availableParallelism(),
  timeout: testMsMax,
  // Of a file that does not end by itself nobody would ever hear.
  execArgv: ['--import', join(import.meta.dirname, 'support/file-deadline.ts')],
});
events.on('test:fail', () => {
  process.exitCode = 1;
});
const { promise: isOver, resolve } = Promise.withResolvers<void>();
events.compose(spec).on('end', resolve).pipe(process.stdout);
await isOver;
