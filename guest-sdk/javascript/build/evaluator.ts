import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type EvaluationJob, jobFiles } from './evaluation-job.ts';

/**
 * The process side of `evaluate.ts`: one program, evaluated by the engine's native part on a thread of its own,
 * which nothing but the end of the process stops.
 */
const job: EvaluationJob = JSON.parse(process.argv[2] ?? '');
const inFolder = (name: string): string => join(job.folder, name);

// The pipe ends when the build does, however it does: then nobody waits for the answer.
process.stdin.resume().on('end', () => {
  rmSync(job.folder, { recursive: true, force: true });
  process.kill(process.pid, 'SIGKILL');
});

try {
  const { component } = await createRequire(import.meta.url)(job.enginePath).componentize({
    witPath: inFolder(jobFiles.world),
    world: job.world,
    jsSource: readFileSync(inFolder(jobFiles.program), 'utf8'),
    runtimeBytes: readFileSync(inFolder(jobFiles.runtime)),
  });
  writeFileSync(inFolder(jobFiles.component), component);
} catch (cause) {
  writeFileSync(inFolder(jobFiles.failure), cause instanceof Error ? cause.message : String(cause));
}
process.exit();
