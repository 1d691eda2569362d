import { type Complaint, formatComplaint } from './diagnostic.ts';
import { resolveSpecifier, specifierNames } from './sdk-sources.ts';
import type { World } from './world.ts';

/** What is known about a build when its complaints are put into words. */
export interface Explanation {
  readonly world: World;
  readonly entry: string;
  /** The compiler's name for the glue, without extension. */
  readonly glueFile: string;
  readSource(name: string): string | null;
}

/** The compiler's code for an import of a file that is not there. */
const fileNotFound = 6054;

/** Turns the compiler's complaints into words for people who never saw the glue. */
export function explain(about: Explanation): {
  errors(complaints: readonly Complaint[]): string;
  warnings(complaints: readonly Complaint[]): string[];
} {
  const show = (complaint: Complaint): string =>
    formatComplaint(complaint, complaint.file === undefined ? null : about.readSource(complaint.file));
  return {
    errors: (complaints) => {
      const errors = complaints.filter(({ isError }) => isError);
      const words = errors.map((error) => inGlue(error, about) ?? unknownImport(error, show) ?? show(error));
      return [...new Set(words)].join('\n');
    },
    warnings: (complaints) =>
      complaints.filter(({ isError, file }) => !isError && file !== undefined).map(show),
  };
}

// Only the user's exports can be wrong in the glue, so an error there is a missing or mistyped export.
function inGlue(error: Complaint, { world, entry, glueFile }: Explanation): string | undefined {
  if (error.file !== `${glueFile}.ts`) return undefined;
  const wanted = world.exports.map(({ declaration }) => `  ${declaration}`).join('\n');
  const names = world.exports.map(({ name }) => `'${name}'`).join(', ');
  return `${entry}: world '${world.name}' needs the export ${names} with this signature (${error.text})\n${wanted}`;
}

function unknownImport(error: Complaint, show: (complaint: Complaint) => string): string | undefined {
  const name = error.code === fileNotFound ? /~lib\/(.+)\.ts/.exec(error.text)?.[1] : undefined;
  if (name === undefined || !/^[a-z]+:/.test(name) || resolveSpecifier(name) !== undefined) return undefined;
  return `${show(error)}\n  no interface '${name}'; there are: ${specifierNames.join(', ')}`;
}
