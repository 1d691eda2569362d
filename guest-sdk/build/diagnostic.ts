/** One thing the compiler has to say about a source. */
export interface Complaint {
  readonly isError: boolean;
  readonly code: number;
  readonly text: string;
  /** File as the compiler names it, relative to the base folder; undefined: no particular one. */
  readonly file: string | undefined;
  /** Where in the file, in UTF-16 code units. */
  readonly offset: number;
}

const tabStop = 2;

/**
 * A complaint as people read it: `file:line:column`, the words, the source line and a mark under the place.
 * @param source the file's text, if there is any to show
 */
export function formatComplaint(complaint: Complaint, source: string | null): string {
  const { file, text } = complaint;
  if (file === undefined || source === null) return file === undefined ? text : `${file}: ${text}`;
  const start = source.lastIndexOf('\n', complaint.offset - 1) + 1;
  const end = source.indexOf('\n', complaint.offset);
  const line = source.slice(start, end === -1 ? undefined : end).trimEnd();
  const number = source.slice(0, start).split('\n').length;
  const column = complaint.offset - start;
  const gutter = `${number} | `;
  const expanded = line.replaceAll('\t', ' '.repeat(tabStop));
  const indent = line.slice(0, column).replaceAll('\t', ' '.repeat(tabStop)).length;
  return [
    `${file}:${number}:${column + 1}: ${text}`,
    `  ${gutter}${expanded}`,
    `  ${' '.repeat(gutter.length + indent)}^`,
  ].join('\n');
}
