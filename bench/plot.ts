const width = 50;

/** Bars in text: a group for each name, a bar for each column, up to a bound that is marked. */
export function makePlot(
  figures: ReadonlyMap<string, readonly number[]>,
  columns: readonly string[],
  bound: number,
): readonly string[] {
  const most = Math.max(bound, ...[...figures.values()].flat());
  const scale = width / most;
  const mark = Math.round(bound * scale);
  const label = Math.max(...columns.map((column) => column.length));
  const lines = [`'|' is ${bound}`];
  for (const [name, values] of figures) {
    lines.push(name);
    for (const [index, value] of values.entries()) {
      const bar = '█'.repeat(Math.max(1, Math.round(value * scale))).padEnd(mark);
      const marked = bar.length > mark ? bar : `${bar}|`;
      lines.push(`  ${(columns[index] ?? '').padStart(label)} ${marked} ${value.toFixed(0)}`);
    }
  }
  return lines;
}
