import type { Table } from './table.ts';

/** What an agent says of the data it deals with; policies decide what may flow to it and from it. */
export interface Labels {
  /** Labels of what it may be given. */
  readonly holds: readonly string[];
  /** Labels of all that it sends; what it holds, unless it says otherwise. */
  readonly carries: readonly string[];
}

const labelsMax = 64;
const labelPattern = /^[a-z][a-z0-9-]{0,62}$/;

/** Reads `[labels]`. @throws HostError `HOST_ERR_CONFIG_INVALID` */
export function labelsOf(manifest: Table): Labels {
  const table = manifest.table('labels').only(['holds', 'carries']);
  const holds = textsOf(table, 'holds');
  return { holds, carries: table.has('carries') ? textsOf(table, 'carries') : holds };
}

function textsOf(table: Table, key: string): readonly string[] {
  const labels = table.texts(key, 'pii');
  if (labels.length > labelsMax) throw table.wrong(key, `at most ${labelsMax} labels`);
  const wrong = labels.find((label) => !labelPattern.test(label));
  if (wrong === undefined) return labels;
  throw table.wrong(
    key,
    `labels, such as ["pii"]: lower-case letters, digits and dashes, a letter first; '${wrong}' is none`,
  );
}
