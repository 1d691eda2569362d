import { plainText } from '../../errors.ts';

/** A column: numbers stand at its right edge. */
export interface Column {
  readonly title: string;
  readonly isNumber?: boolean;
}

const gap = '  ';

/** Rows under their titles, each column as wide as what it holds; lines are cut at `width` characters. */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number = Number.POSITIVE_INFINITY,
): string[] {
  const plain = rows.map((row) => row.map((cell) => plainText(cell)));
  const widths = columns.map(({ title }, at) =>
    plain.reduce((most, row) => Math.max(most, (row[at] ?? '').length), title.length),
  );
  const lineOf = (cells: readonly string[]): string => {
    const padded = columns.map(({ isNumber }, at) =>
      pad(cells[at] ?? '', widths[at] ?? 0, isNumber === true),
    );
    return padded.join(gap).trimEnd().slice(0, width);
  };
  return [lineOf(columns.map(({ title }) => title)), ...plain.map(lineOf)];
}

/** `name   value` a line. */
export function formatPairs(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${name.padEnd(width)}${gap}${plainText(value)}\n`).join('');
}

function pad(text: string, width: number, isNumber: boolean): string {
  return isNumber ? text.padStart(width) : text.padEnd(width);
}
