/** From places in the bundle to places in the sources; filled in after bundling. */
export const places = {
  /** Names of the sources. */
  sources: [],
  /** Triples: a line of the bundle, a source's index (-1: the SDK's own) and its line. See `SourceLines.table`. */
  lines: [],
};

const frame = /^\s*at (.*?)\s*\(?componentize-qjs:user\.js:(\d+)(?::\d+)?\)?$/;

/** An error's stack with places in the sources, one per line; the SDK's own are left out. */
export function stackOf(error) {
  const lines = String(error.stack ?? '').split('\n');
  return lines.map(frameText).filter((line) => line !== '');
}

function frameText(line) {
  const match = frame.exec(line);
  const place = match === null ? '' : placeOf(Number(match[2]));
  if (place === '') return '';
  const isNamed = match[1] !== '' && match[1] !== '<anonymous>';
  return isNamed ? `at ${match[1]} (${place})` : `at ${place}`;
}

function placeOf(line) {
  const { lines, sources } = places;
  let found = -1;
  for (let index = 0; index < lines.length && lines[index] <= line; index += 3) found = index;
  const source = sources[lines[found + 1]];
  return source === undefined ? '' : `${source}:${lines[found + 2] + line - lines[found]}`;
}
