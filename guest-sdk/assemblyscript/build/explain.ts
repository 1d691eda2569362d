import { type Complaint, formatComplaint } from '../../build/diagnostic.ts';
import type { Program } from './program.ts';

/** What is known about a build when its complaints are put into words. */
export interface Explanation {
  readonly program: Program;
  readonly entry: string;
  /** The compiler's name for the glue, without extension. */
  readonly glueFile: string;
  /** The text of a user's file, or null. */
  readSource(name: string): string | null;
}

/** The compiler's code for an import of a file that is not there. */
const fileNotFound = 6054;

/** Every error, as people read it who never saw the glue. */
export function explainErrors(complaints: readonly Complaint[], about: Explanation): string {
  const errors = complaints.filter(({ isError }) => isError);
  const isUsers = ({ file }: Complaint): boolean => file !== undefined && about.readSource(file) !== null;
  // An error in the user's file is the cause of those in the glue.
  const causes = errors.filter(isUsers);
  if (causes.length > 0) return [...new Set(causes.map((error) => show(error, about)))].join('\n');
  // One export may be wrong in several ways: the first is enough.
  const exports = new Map(errors.toReversed().flatMap((error) => explainExport(error, about)));
  const texts =
    exports.size > 0 ? [...exports.values()].reverse() : errors.map((error) => show(error, about));
  return [...new Set(texts)].join('\n');
}

/** Every warning about a user's file. */
export function explainWarnings(complaints: readonly Complaint[], about: Explanation): string[] {
  return complaints
    .filter(({ isError, file }) => !isError && file !== undefined && about.readSource(file) !== null)
    .map((warning) => show(warning, about));
}

function show(complaint: Complaint, about: Explanation): string {
  const missing = missingModule(complaint, about.program);
  const text =
    missing === undefined
      ? plainText(complaint.text, about) + inLibrary(complaint)
      : `there is no module '${missing}'`;
  const source = complaint.file === undefined ? null : about.readSource(complaint.file);
  const file = source === null ? undefined : complaint.file;
  const hint =
    missing !== undefined && /^[a-z0-9-]+:/.test(missing)
      ? `\n  there are: ${about.program.specifiers.join(', ')}`
      : '';
  return formatComplaint({ ...complaint, text, file }, source) + hint;
}

// Only the user's exports can be wrong in the glue, so an error there is a missing or mistyped export.
function explainExport(error: Complaint, about: Explanation): [name: string, text: string][] {
  const { program, entry, glueFile } = about;
  const expected = error.file === `${glueFile}.ts` ? program.expectedAt(error.offset) : undefined;
  if (expected === undefined) return [];
  const isMissing = /has no exported member|does not exist on type|Cannot find name/.test(error.text);
  const reason = isMissing ? 'there is none' : plainText(error.text, about).replace(/\.$/, '');
  const wanted = expected.declaration.replace(/^/gm, '  ');
  const text = `${entry}: world '${program.title}' needs the export '${expected.name}' (${reason}); it looks like this:\n${wanted}`;
  return [[expected.name, text]];
}

function missingModule({ code, text }: Complaint, program: Program): string | undefined {
  if (code !== fileNotFound) return undefined;
  const name = /'(?:~lib\/)?(.+?)(?:\.ts)?'/.exec(text)?.[1];
  return name !== undefined && program.resolve(name) === undefined ? name : undefined;
}

/** Where a complaint is about generic code of the library: the compiler does not tell which call brought it there. */
function inLibrary({ file }: Complaint): string {
  const name = /^~lib\/(?!motehost)(?:.*\/)?(\w+)\.ts$/.exec(file ?? '')?.[1];
  return name === undefined ? '' : ` (in the library's ${name}, called with one of your types)`;
}

/** The compiler's words without its inner names: `~lib/string/String` is `string`, `assembly/index/Order` is `Order`. */
function plainText(text: string, { entry }: Explanation): string {
  const folder = entry.includes('/') ? entry.slice(0, entry.lastIndexOf('/') + 1) : '';
  return (
    text
      .replaceAll(new RegExp(`\\b${RegExp.escape(folder)}(?:[\\w-]+/)+(?=\\w)`, 'g'), '')
      .replace(/~lib\/string\/String\b/g, 'string')
      .replace(/~lib\/[^'<>,|()]*\/(\w+)(?=[^\w/:@-]|$)/g, '$1')
      .replace(/~lib\//g, '')
      .replace(/Result<Uint8Array\|null,Failure>/g, 'Reply')
      // All the compiler says when it cannot tell T from an argument of a function such as `reply<T>`.
      .replace(
        /^Type argument expected\.$/,
        'the type of an argument is not known (is a name in it misspelt?)',
      )
      .replace(/^User-defined: "(.*)"$/, '$1')
  );
}
