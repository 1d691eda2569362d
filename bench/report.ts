/** One figure against the target it must reach. */
export interface Mark {
  readonly what: string;
  /** As a person reads it: `≤ 1.12 ×`. */
  readonly target: string;
  readonly measured: string;
  readonly met: boolean;
}

/** What a bench found: a table, the marks, and remarks on how to read them. */
export interface Report {
  readonly question: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly marks: readonly Mark[];
  readonly remarks: readonly string[];
}

/** How hard a bench tries; `quick` takes seconds and is for seeing that it runs. */
export interface Effort {
  readonly quick: boolean;
  /** The part of the bench to measure; undefined: all. A bench without parts does not look at it. */
  readonly part?: string | undefined;
}

/** One file in this folder: one question and how to answer it. */
export interface Bench {
  readonly name: string;
  readonly question: string;
  run(effort: Effort): Promise<Report>;
}

/** A mark for a figure that must not exceed `max`. */
export function atMost(what: string, value: number, max: number, unit: string): Mark {
  return {
    what,
    target: `≤ ${max} ${unit}`,
    measured: `${round(value)} ${unit}`,
    met: value <= max,
  };
}

/** A mark for a figure that must reach `min`. */
export function atLeast(what: string, value: number, min: number, unit: string): Mark {
  return {
    what,
    target: `≥ ${min} ${unit}`,
    measured: `${round(value)} ${unit}`,
    met: value >= min,
  };
}

/** Three significant digits, but never fewer than the whole part has. */
export function round(value: number): string {
  if (!Number.isFinite(value)) return '-';
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** A ratio with two decimals. */
export function ratio(value: number): string {
  return Number.isFinite(value) ? value.toFixed(2) : '-';
}

export function reportText(report: Report): string {
  const marks = report.marks.map(
    (mark) => `  ${mark.met ? 'met   ' : 'MISSED'}  ${mark.what}: ${mark.measured} (target ${mark.target})`,
  );
  const remarks = report.remarks.map((remark) => `  ${remark}`);
  return [
    `# ${report.question}`,
    '',
    tableText([report.columns, ...report.rows]),
    '',
    ...marks,
    ...remarks,
    '',
  ].join('\n');
}

/** The first column flush left, the others flush right. */
function tableText(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
