import { camelCase } from '../../../host/engine/component/names.ts';
import type { World } from '../../../host/engine/component/world.ts';
import { HostError } from '../../../host/errors.ts';
import { formatComplaint } from '../../build/diagnostic.ts';
import type { Project } from '../../build/language.ts';
import type { Bundle } from './bundle.ts';
import { isCommand } from './command.ts';
import { signatureOf } from './declarations.ts';
import type { EvaluationError } from './evaluate.ts';
import { interfaceKey } from './world-data.ts';

const frame = /^\s*at .*?\(?componentize-qjs:user\.js:(\d+):(\d+)\)?$/m;
const engineWords = /^(?:.*: )?Failed to (?:evaluate|declare|finish)[^:]*(?: module)?(?: evaluation)?: /;

/** Why a program's evaluation failed, in the words and places of its sources. */
export function explainEvaluation(
  { message }: EvaluationError,
  bundle: Bundle,
  project: Project,
  world: World,
): HostError {
  const missing = /motehost-export (\{.*\})/.exec(message)?.[1];
  if (missing !== undefined) return explainMissing(JSON.parse(missing), bundle, project, world);
  const text = wordsOf(message);
  for (const [, line, column] of message.matchAll(new RegExp(frame, 'gm'))) {
    const place = bundle.lines.placeOf(Number(line) - 1, Number(column) - 1);
    const source = place === undefined ? undefined : bundle.sourceText(place.source);
    if (place === undefined || source === undefined) continue;
    const before = source.split('\n').slice(0, place.line);
    const offset = before.reduce((sum, each) => sum + each.length + 1, 0) + place.column;
    return failed(formatComplaint({ isError: true, code: 0, text, file: place.source, offset }, source));
  }
  return failed(`${project.entry}: ${text}`);
}

/** The error's own line, without what the engine was doing. */
function wordsOf(message: string): string {
  const lines = message.split('\n').filter((line) => line.trim() !== '' && !frame.test(line));
  let text = lines[0] ?? message;
  for (let shorter = text.replace(engineWords, ''); shorter !== text; shorter = text.replace(engineWords, ''))
    text = shorter;
  return text;
}

interface Missing {
  readonly path: string;
  /** What is there instead, if anything is. */
  readonly found?: string;
}

function explainMissing({ path, found }: Missing, bundle: Bundle, project: Project, world: World): HostError {
  const [first = ''] = path.split('.');
  const reason = found === undefined ? 'there is none' : `it is ${article(found)}`;
  return needed(project, bundle.sourceText(project.entry), world, [path], first, reason);
}

/** What the type checker said of the exports, with what the world wants. */
export function explainExports(
  project: Project,
  source: string | undefined,
  world: World,
  complaint: string,
): HostError {
  const keys = isCommand(world)
    ? ['main']
    : world.exports.flatMap((item) =>
        item.kind === 'func'
          ? [camelCase(item.name)]
          : item.kind === 'interface'
            ? [interfaceKey(item.name)]
            : [],
      );
  const concerned = keys.filter((key) => complaint.includes(`'${key}'`));
  const shown = concerned.length === 0 ? keys : concerned;
  return needed(project, source, world, shown, shown[0] ?? '', plainComplaint(complaint));
}

/** Which exports a world needs and why these will not do, with what they look like; `key` is the one to point at. */
function needed(
  project: Project,
  source: string | undefined,
  world: World,
  paths: readonly string[],
  key: string,
  reason: string,
): HostError {
  const wanted = paths.map((path) => signatureText(world, path)).join('\n');
  const text = `world '${isCommand(world) ? 'command' : world.name}' needs the export '${paths.join("', '")}' (${reason}); it looks like this:`;
  const offset = source?.search(
    new RegExp(`(?<=^export\\s+(?:async\\s+)?(?:const|let|var|class|function)\\s+)${key}\\b`, 'm'),
  );
  const file = project.entry;
  if (source === undefined || offset === undefined || offset < 0)
    return failed(`${file}: ${text}\n${wanted}`);
  return failed(`${formatComplaint({ isError: true, code: 0, text, file, offset }, source)}\n${wanted}`);
}

/** The innermost of the checker's lines says what is wrong. */
function plainComplaint(complaint: string): string {
  if (/is missing in type|missing the following/.test(complaint)) return 'there is none';
  const lines = complaint.split('\n').filter((line) => line.trim() !== '');
  return (lines.at(-1) ?? complaint)
    .trim()
    .replace(/import\("[^"]*"\)\./g, '')
    .replaceAll('<ArrayBufferLike>', '')
    .replace(/\.$/, '');
}

function signatureText(world: World, path: string): string {
  const lines = signatureOf(world, path).split('\n');
  return lines.map((line) => `  ${line}`).join('\n');
}

function article(type: string): string {
  return type === 'undefined' || type === 'null' ? type : /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

function failed(text: string): HostError {
  return new HostError('HOST_ERR_BUILD_FAILED', text);
}
