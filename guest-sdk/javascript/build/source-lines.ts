/** A place in a source, counted from 0. */
export interface SourcePlace {
  readonly source: string;
  readonly line: number;
  readonly column: number;
}

/** What a bundler says of where its output came from (ECMA-426), as far as it is read here. */
export interface SourceMap {
  readonly sources: readonly string[];
  readonly mappings: string;
}

interface Segment {
  readonly column: number;
  readonly source: number;
  readonly sourceLine: number;
  readonly sourceColumn: number;
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Places in the sources of places in a bundle. */
export class SourceLines {
  readonly #sources: readonly string[];
  readonly #lines: readonly (readonly Segment[])[];

  constructor(map: SourceMap) {
    this.#sources = map.sources;
    this.#lines = decodeMappings(map.mappings);
  }

  /** The source of a place in the bundle, both counted from 0. */
  placeOf(line: number, column: number): SourcePlace | undefined {
    const segments = this.#lines[line] ?? [];
    const found = segments.findLast((segment) => segment.column <= column) ?? segments[0];
    const source = found === undefined ? undefined : this.#sources[found.source];
    if (found === undefined || source === undefined) return undefined;
    return { source, line: found.sourceLine, column: found.sourceColumn };
  }

  /**
   * For the prelude's `stack.js`: where lines of named sources begin in the bundle and where others do, as triples
   * of the bundle's line, the source's index or -1, and its line; each line after counts on. Lines count from 1.
   */
  table(): number[] {
    const runs: number[] = [];
    let [source, line] = [-1, 0];
    this.#lines.forEach((segments, index) => {
      const first = segments[0];
      const isNamed = first !== undefined && this.#sources[first.source] !== '';
      const [nextSource, nextLine] = isNamed
        ? [first.source, first.sourceLine + 1]
        : [first === undefined ? source : -1, line + 1];
      if (nextSource !== source || (nextSource >= 0 && nextLine !== line + 1))
        runs.push(index + 1, nextSource, nextLine);
      [source, line] = [nextSource, nextLine];
    });
    return runs;
  }
}

function decodeMappings(mappings: string): Segment[][] {
  let [source, sourceLine, sourceColumn] = [0, 0, 0];
  return mappings.split(';').map((line) => {
    let column = 0;
    return line.split(',').flatMap((text) => {
      const [columnStep, sourceStep, lineStep, sourceColumnStep] = decodeNumbers(text);
      column += columnStep ?? 0;
      if (sourceStep === undefined || lineStep === undefined || sourceColumnStep === undefined) return [];
      source += sourceStep;
      sourceLine += lineStep;
      sourceColumn += sourceColumnStep;
      return [{ column, source, sourceLine, sourceColumn }];
    });
  });
}

/** Numbers in base64 digits of five bits, the lowest first, with the sign in the lowest bit. */
function decodeNumbers(text: string): number[] {
  const numbers: number[] = [];
  let [value, shift] = [0, 0];
  for (const char of text) {
    const digit = alphabet.indexOf(char);
    value += (digit & 31) << shift;
    shift += 5;
    if (digit >= 32) continue;
    numbers.push(value & 1 ? -(value >> 1) : value >> 1);
    [value, shift] = [0, 0];
  }
  return numbers;
}
