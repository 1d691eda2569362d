import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { HostError } from '../../../host/errors.ts';
import { formatComplaint } from '../../build/diagnostic.ts';
import type { Project } from '../../build/language.ts';
import type { WorldTarget } from '../../build/target.ts';
import { runTool } from '../../build/toolchain.ts';
import { typesFolder } from './editor.ts';
import { explainExports } from './explain.ts';

/** One thing the type checker has to say. */
interface Diagnostic {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly text: string;
}

/** The type checker's package file, in the project or beside this one; undefined where there is none. */
export function typeCheckerOf(folder: string): string | undefined {
  for (const from of [join(folder, 'package.json'), import.meta.url]) {
    try {
      return createRequire(from).resolve('typescript/package.json');
    } catch {
      // Not there: the next place may have it.
    }
  }
  return undefined;
}

/**
 * Checks the project's types against the world with TypeScript's own compiler. `writeTypes` must have run.
 * @param readSource the text of a file by its name relative to the folder
 * @throws HostError `HOST_ERR_BUILD_FAILED` with the place of every error
 */
export async function checkTypes(
  project: Project,
  target: WorldTarget,
  checker: string,
  readSource: (file: string) => string | undefined,
): Promise<void> {
  const tsc = join(dirname(checker), 'bin/tsc');
  const config = join(project.folder, typesFolder, 'tsconfig.json');
  const { code, stdout, stderr } = await runTool(process.execPath, [tsc, '-p', config, '--pretty', 'false'], {
    cwd: project.folder,
    cure: 'it comes with the host',
  });
  if (code === 0) return;
  const errors = errorsOf(stdout);
  const own = errors.filter(({ file }) => !file.startsWith(`${typesFolder}/`));
  // An error in the program is the cause of those in the check.
  if (own.length > 0) throw failed(own.map((error) => show(error, readSource)).join('\n'));
  if (errors.length > 0)
    throw explainExports(
      project,
      readSource(project.entry),
      target.world,
      errors.map(({ text }) => text).join('\n'),
    );
  throw failed(`the type check failed: ${stderr || stdout}`);
}

/** `file(line,column): error TS123: words`, then lines that belong to it. */
function errorsOf(output: string): Diagnostic[] {
  const errors: Diagnostic[] = [];
  for (const line of output.split('\n')) {
    const match = /^(.+?)\((\d+),(\d+)\): error TS\d+: (.*)$/.exec(line.trimEnd());
    const last = errors.at(-1);
    if (match !== null) {
      const [, file = '', lineText, columnText, text = ''] = match;
      errors.push({ file, line: Number(lineText), column: Number(columnText), text });
    } else if (last !== undefined && line.startsWith(' ')) {
      errors[errors.length - 1] = { ...last, text: `${last.text}\n${line}` };
    }
  }
  return errors;
}

function show(
  { file, line, column, text }: Diagnostic,
  readSource: (file: string) => string | undefined,
): string {
  const source = readSource(file);
  if (source === undefined) return `${file}:${line}:${column}: ${text}`;
  const before = source.split('\n').slice(0, line - 1);
  const offset = before.reduce((sum, each) => sum + each.length + 1, 0) + column - 1;
  return formatComplaint({ isError: true, code: 0, text, file, offset }, source);
}

function failed(text: string): HostError {
  return new HostError('HOST_ERR_BUILD_FAILED', text);
}
