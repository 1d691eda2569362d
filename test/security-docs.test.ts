import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

const root = resolve(import.meta.dirname, '..');
const page = readFileSync(join(root, 'docs/security.md'), 'utf8');

/** Apostrophes of either kind, and those of a text in quotes, are one. */
function plain(text: string): string {
  return text.replaceAll('’', "'").replaceAll("\\'", "'");
}

test('every test that docs/security.md names is there, under that title', () => {
  const rows = [...page.matchAll(/\| `(test\/[^`]+\.test\.ts)`: (.+) \|$/gm)];
  assert.ok(rows.length >= 30);
  const missing = rows.filter(
    ([, file = '', title = '']) => !plain(readFileSync(join(root, file), 'utf8')).includes(plain(title)),
  );
  assert.deepEqual(
    missing.map(([row]) => row),
    [],
  );
});
