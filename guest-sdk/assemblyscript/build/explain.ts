import { type Complaint, formatComplaint } from '../../build/diagnostic.ts';
import { resolveSpecifier, specifierNames } from './sdk-sources.ts';
import type { World } from './world.ts';

/** What is known about a build when its complaints are put into words. */
export interface Explanation {
  readonly world: World;
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
  const isGlue = ({ file }: Complaint): boolean => file === `${about.glueFile}.ts`;
  // An error in the user's file is the cause of those in the glue.
  const causes = errors.filter((error) => !isGlue(error));
  const [inGlue] = errors;
  if (causes.length === 0 && inGlue !== undefined) return explainExport(inGlue, about);
  return [...new Set(causes.map((error) => show(error, about)))].join('\n');
}

/** Every warning about a user's file. */
export function explainWarnings(complaints: readonly Complaint[], about: Explanation): string[] {
  return complaints
    .filter(({ isError, file }) => !isError && file !== undefined && about.readSource(file) !== null)
    .map((warning) => show(warning, about));
}

function show(complaint: Complaint, about: Explanation): string {
  const missing = missingModule(complaint);
  const text = missing === undefined ? plainText(complaint.text) : `there is no module '${missing}'`;
  const source = complaint.file === undefined ? null : about.readSource(complaint.file);
  const file = source === null ? undefined : complaint.file;
  const hint =
    missing !== undefined && /^[a-z0-9-]+:/.test(missing)
      ? `\n  there are: ${specifierNames.join(', ')}`
      : '';
  return formatComplaint({ ...complaint, text, file }, source) + hint;
}

// Only the user's exports can be wrong in the glue, so an error there is a missing or mistyped export.
function explainExport(error: Complaint, { world, entry }: Explanation): string {
  const names = world.exports.map(({ name }) => `'${name}'`).join(', ');
  const wanted = world.exports.map(({ declaration }) => `  ${declaration}`).join('\n');
  const reason = /has no exported member/.test(error.text) ? 'there is none' : plainText(error.text);
  return `${entry}: world '${world.name}' needs the export ${names} (${reason.replace(/\.$/, '')}); it looks like this:\n${wanted}`;
}

function missingModule({ code, text }: Complaint): string | undefined {
  if (code !== fileNotFound) return undefined;
  const name = /'(?:~lib\/)?(.+?)(?:\.ts)?'/.exec(text)?.[1];
  return name !== undefined && resolveSpecifier(name) === undefined ? name : undefined;
}

/** The compiler's words without its inner names: `~lib/string/String` is `string`. */
function plainText(text: string): string {
  return (
    text
      .replace(/~lib\/string\/String\b/g, 'string')
      .replace(/~lib\/(?:[\w-]+\/)*(\w+)(?=[^\w/:-])/g, '$1')
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
