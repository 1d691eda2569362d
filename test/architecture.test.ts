import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';

const hostFolder = resolve(import.meta.dirname, '../host');

/** The rank of each room: imports go down or stay in the room, never up (docs/architecture.md). */
const ranks: Readonly<Record<string, number>> = {
  builtin: 0,
  folder: 0,
  nearest: 0,
  'regular-file': 0,
  'thread-environment': 0,
  'system-fault': 0,
  errors: 0,
  ids: 0,
  'block-seal': 0,
  clock: 0,
  limits: 0,
  spelling: 0,
  subject: 0,
  outcome: 0,
  manifest: 0,
  config: 0,
  bindings: 0,
  telemetry: 1,
  capability: 1,
  identity: 1,
  policy: 2,
  audit: 2,
  bus: 2,
  engine: 2,
  supervisor: 2,
  graph: 2,
  tiers: 3,
  context: 3,
  scheduler: 3,
  fabric: 3,
  history: 3,
  agent: 4,
  orchestration: 5,
  mcp: 5,
  bundle: 5,
  host: 6,
  http: 7,
  // `host serve` opens the other front door.
  cli: 8,
  index: 8,
};

interface Import {
  readonly from: string;
  readonly to: string;
  readonly isType: boolean;
}

const importPattern = /(?:^|\n)\s*(?:import|export)\s+(type\s+)?[^'"]*?from\s+'([^']+)'|import\('([^']+)'\)/g;

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
  return [...text.matchAll(importPattern)].map((match) => {
    const specifier = match[2] ?? match[3] ?? '';
    const to = specifier.startsWith('.') ? relative(hostFolder, join(dirname(file), specifier)) : specifier;
    return { from: relative(hostFolder, file), to, isType: match[1] !== undefined };
  });
}

const imports = globSync('**/*.ts', { cwd: hostFolder })
  .filter((file) => !file.endsWith('.d.ts'))
  .flatMap((file) => importsOf(join(hostFolder, file)));

function roomOf(path: string): string {
  return (path.split('/')[0] ?? '').replace(/\.ts$/, '');
}

function isOwn(path: string): boolean {
  return path.endsWith('.ts') && !path.startsWith('..');
}

test('every room has a rank', () => {
  const rooms = new Set(imports.map(({ from }) => roomOf(from)));
  assert.deepEqual(
    [...rooms].filter((room) => ranks[room] === undefined),
    [],
  );
});

test('imports between rooms go down the ranks', () => {
  const upward = imports.filter(({ from, to }) => {
    if (!isOwn(to) || roomOf(from) === roomOf(to)) return false;
    const [fromRank = -1, toRank = 99] = [ranks[roomOf(from)], ranks[roomOf(to)]];
    if (fromRank === 0) return toRank > 0;
    // The front doors build the host and print what lower rooms define.
    return toRank >= fromRank;
  });
  assert.deepEqual(upward, []);
});

test('the front doors know the host and the lowest rooms, nothing between', () => {
  const doors = imports.filter(
    ({ from, to }) => (ranks[roomOf(from)] ?? 0) >= 7 && isOwn(to) && (ranks[roomOf(to)] ?? 99) < 7,
  );
  const between = doors.filter(({ to }) => roomOf(to) !== 'host' && (ranks[roomOf(to)] ?? 99) > 1);
  assert.deepEqual(between, []);
});

test('the rewriter, the component decoder and the fast lane run anywhere: they import nothing of Node', () => {
  const portable = /^engine\/(meter|component|fast-lane)\//;
  const foreign = imports.filter(({ from, to }) => portable.test(from) && !isOwn(to));
  assert.deepEqual(foreign, []);
});

test('the engine knows no room', () => {
  const known = imports.filter(
    ({ from, to }) => roomOf(from) === 'engine' && isOwn(to) && roomOf(to) !== 'engine',
  );
  assert.deepEqual(
    known.filter(({ to }) => ranks[roomOf(to)] !== 0),
    [],
  );
});

test('a run loads neither binaryen nor the transpiler: only their own worker and the build do', () => {
  const heavy = /^(binaryen|assemblyscript|@bytecodealliance\/)/;
  const loaders = new Set(
    imports.filter(({ to, isType }) => heavy.test(to) && !isType).map(({ from }) => from),
  );
  assert.deepEqual([...loaders], ['engine/general-lane/transpile-worker.ts']);
});
