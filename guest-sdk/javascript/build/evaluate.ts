import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Engine } from './engine.ts';
import { type EvaluationJob, jobFiles } from './evaluation-job.ts';

/** How long a program's top level may take, with the start of the process it runs in and the making of the component. */
export const evaluationMsMax = 30_000;

export interface Program {
  readonly code: string;
  /** A WIT text, and the name of the world in it. */
  readonly wit: string;
  readonly world: string;
}

/** Why there is no component of a program. */
export class EvaluationError extends Error {
  /** Whether the program threw, or is not what the engine calls JavaScript: then it is in the engine's words. */
  readonly isThrown: boolean;

  constructor(message: string, isThrown: boolean) {
    super(message);
    this.isThrown = isThrown;
  }
}

const entry = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './evaluator.ts' : './evaluator.js', import.meta.url),
);
const stderrCharsMax = 64 * 1024;

/**
 * Has the engine evaluate a program in a process of its own, for what the native part began nothing else ends.
 * @returns the component's bytes
 * @throws EvaluationError when the program throws, does not end in time or is too much for the engine
 */
export async function evaluate(engine: Engine, program: Program, deadlineMs: number): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), 'motehost-evaluation-'));
  const inFolder = (name: string): string => join(folder, name);
  try {
    writeFileSync(inFolder(jobFiles.world), program.wit);
    writeFileSync(inFolder(jobFiles.program), program.code);
    writeFileSync(inFolder(jobFiles.runtime), engine.runtime);
    const end = await run({ folder, enginePath: engine.path, world: program.world }, deadlineMs);
    if (existsSync(inFolder(jobFiles.component))) return readFileSync(inFolder(jobFiles.component));
    const failure = inFolder(jobFiles.failure);
    throw errorFor(end, existsSync(failure) ? readFileSync(failure, 'utf8') : undefined, deadlineMs);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface ProcessEnd {
  readonly isLate: boolean;
  /** How it ended, as people read it: `code 1`, `SIGSEGV`. */
  readonly how: string;
  readonly stderr: string;
}

async function run(job: EvaluationJob, deadlineMs: number): Promise<ProcessEnd> {
  // Its standard input is only there to end with this process.
  const child = spawn(process.execPath, [entry, JSON.stringify(job)], {
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { ...process.env, RUST_BACKTRACE: '0' },
  });
  const stderr = textOf(child);
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill('SIGKILL');
  }, deadlineMs);
  try {
    const [code, signal] = await once(child, 'close');
    return { isLate, how: signal ?? `code ${code}`, stderr: stderr() };
  } finally {
    clearTimeout(timer);
  }
}

function textOf({ stderr }: ChildProcess): () => string {
  let text = '';
  stderr?.setEncoding('utf8').on('data', (piece: string) => {
    if (text.length < stderrCharsMax) text += piece;
  });
  return () => text;
}

function errorFor(
  { isLate, how, stderr }: ProcessEnd,
  failure: string | undefined,
  deadlineMs: number,
): EvaluationError {
  if (isLate)
    return new EvaluationError(
      `the program's top level did not end within ${deadlineMs / 1000} s; what stands outside of functions runs when the program is built, so work without an end belongs into a function`,
      false,
    );
  const panic = /^thread .* panicked at .*:\n(.*)/m.exec(stderr)?.[1];
  if (panic === undefined && failure !== undefined) return new EvaluationError(failure, true);
  const reason = panic ?? firstLine(stderr) ?? `it ended with ${how}`;
  return new EvaluationError(
    /too much data/.test(reason)
      ? "what the program makes at its top level is too large: it would be part of the component's bytes; make it in a function, or make less"
      : `the engine gave up on the program's top level: ${reason}`,
    false,
  );
}

function firstLine(text: string): string | undefined {
  return text.split('\n').find((line) => line.trim() !== '');
}
