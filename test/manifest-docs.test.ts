import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { HostError } from '../host/errors.ts';
import { defaultLimits } from '../host/limits.ts';
import { type Manifest, parseManifest } from '../host/manifest.ts';

// docs/agent-toml.md is checked against the parser: its examples, its keys, its bounds and its defaults.

const page = readFileSync(join(import.meta.dirname, '../docs/agent-toml.md'), 'utf8');
const agent = 'name = "billing"\nworld = "handler"\n';

function parse(text: string): Manifest {
  return parseManifest(text, 'agent.toml');
}

/** What a section shows is a part of a manifest: the two keys that every one has stand before it, unless it has them. */
function whole(block: string): string {
  const [own = ''] = block.split(/^\[/m, 1);
  const missing = agent.split('\n').filter((line) => !own.includes(`${line.split(' = ')[0]} = `));
  return `${missing.join('\n')}\n${block}`;
}

const blocks = [...page.matchAll(/^```toml\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);

/** The page's sections by the table they are about; the agent's own keys are those of the file itself: ''. */
const sections: ReadonlyMap<string, string> = new Map(
  page.split(/^## /m).map((section) => {
    const [heading = ''] = section.split('\n', 1);
    return [heading === 'The agent' ? '' : heading.replace(/^\[+|\]+$/g, ''), section];
  }),
);

const unknown = 'zzqq';
const unknownPattern = /unknown \w+ 'zzqq'.*; the \w+s (?:of \[(\S+)\] )?are: (.*)$/;

/** The keys of the table at a path, as the error for one that nobody knows lists them; undefined: it is no table. */
function keysAt(path: readonly string[]): readonly string[] | undefined {
  const asTable = path.reduceRight((inner, key) => `{ ${key} = ${inner} }`, `{ ${unknown} = 1 }`);
  const asTables = path.reduceRight((inner, key) => `{ ${key} = ${inner} }`, `[{ ${unknown} = 1 }]`);
  for (const value of path.length === 0 ? [`${unknown} = 1`] : [asTable, asTables]) {
    const text = path.length === 0 ? value : value.slice(2, -2);
    try {
      parse(`${path[0] === 'name' || path[0] === 'world' ? '' : agent}${text}\n`);
    } catch (thrown) {
      const [, at = '', keys] = unknownPattern.exec(thrown instanceof HostError ? thrown.message : '') ?? [];
      if (keys !== undefined && at.replaceAll(/\[\d+\]/g, '') === path.join('.')) return keys.split(', ');
    }
  }
  return undefined;
}

/** Every table the parser knows, with its keys: those of names one chooses are asked for under `a`. */
function* tables(path: readonly string[] = []): Generator<readonly [path: string, keys: readonly string[]]> {
  const keys = keysAt(path) ?? [];
  if (keys.length > 0) yield [path.join('.'), keys];
  else if (path.length === 1) yield* tables([...path, 'a']);
  for (const key of keys) yield* tables([...path, key]);
}

const known = [...tables()];

test('every manifest on the page is one', () => {
  assert.ok(blocks.length >= 16);
  for (const block of blocks) assert.doesNotThrow(() => parse(whole(block)), block);
});

test('the parser is asked for all of its tables', () => {
  assert.deepEqual(known.map(([path]) => path).sort(), [
    '',
    'audit',
    'capabilities',
    'capabilities.bus',
    'capabilities.files',
    'capabilities.http',
    'capabilities.net',
    'capabilities.orchestration',
    'delivery',
    'environment.a',
    'errors',
    'execution',
    'hibernate',
    'history',
    'hooks',
    'http',
    'labels',
    'limits',
    'mailbox',
    'messages',
    'resources',
    'restart',
    'scheduling',
    'subscriptions.a',
    'supervision',
    'supervision.circuit',
    'supervision.liveness',
    'supervision.readiness',
    'triggers',
  ]);
});

test('the page names every key the parser knows, in the section of its table', () => {
  const missing = known.flatMap(([path, keys]) => {
    const section = sections.get(path.replace(/\.a$/, '')) ?? '';
    const isNamed = (key: string): boolean =>
      section.includes(`\`${key}\``) || sections.has(path === '' ? key : `${path}.${key}`);
    return keys.filter((key) => !isNamed(key)).map((key) => `${path}: ${key}`);
  });
  assert.deepEqual(missing, []);
});

test('the page names no key that the parser does not know', () => {
  const rows = [...sections].flatMap(([path, section]) =>
    [...section.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, key = '']) => ({ path, key })),
  );
  assert.ok(rows.length > 40);
  const strange = rows.filter(
    ({ path, key }) => !known.some(([at, keys]) => at === path && keys.includes(key)),
  );
  assert.deepEqual(strange, []);
});

/** A bound and the next value beyond it, in the same unit. */
function beyond(bound: string, step: number): string {
  return bound.replace(/\d+/, (digits) => String(Number(digits) + step));
}

test('the bounds on the page are those of the parser', () => {
  const row = /^\| `([a-z-]+)` \|[^|]*\| (?:`([^`]+)`|[^|`]*`[a-z]+`) to `([^`]+)` \|/gm;
  const rows = [...sections].flatMap(([path, section]) =>
    [...section.matchAll(row)].map(([, key, least, most]) => ({ path, key, least, most })),
  );
  assert.ok(rows.length >= 10);
  for (const { path, key, least, most = '' } of rows) {
    const needed = path.endsWith('http') || path.endsWith('net') ? 'host = "a.example"\n' : '';
    const isMany = new RegExp(`^## \\[\\[${path.replace('.', '\\.')}\\]\\]$`, 'm').test(page);
    const head = isMany ? `[[${path}]]` : `[${path}]`;
    const of = (value: string) => () => parse(`${agent}${head}\n${needed}${key} = ${value}\n`);
    const what = `${head} ${key}`;
    assert.doesNotThrow(of(most), what);
    assert.throws(of(beyond(most, 1)), HostError, what);
    if (least === undefined || !/^"?\d+/.test(least)) continue;
    if (key !== 'backoff-max') assert.doesNotThrow(of(least), what);
    assert.throws(of(beyond(least, -1)), HostError, what);
  }
});

test('the defaults on the page are those of the parser', () => {
  const { limits: shown, ...defaults } = parse(blocks.at(-1) ?? '');
  const { limits: none, ...own } = parse(agent);
  assert.deepEqual(defaults, own);
  assert.deepEqual([shown, none], [defaultLimits, {}]);
});
