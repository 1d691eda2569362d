import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FileExporter } from '../../host/telemetry/export/file-exporter.ts';
import type { MetricsSnapshot } from '../../host/telemetry/metrics-snapshot.ts';

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'motehost-metrics-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

function snapshot(timestamp: number): { snapshot: MetricsSnapshot; metrics: [] } {
  return { snapshot: { timestamp } as MetricsSnapshot, metrics: [] };
}

const timeOf = (path: string): number => JSON.parse(readFileSync(path, 'utf8')).timestamp;

test('a snapshot replaces the one before, its folder is made, and nothing else stays there', async (t) => {
  const folder = join(folderFor(t), 'deep', 'er');
  const path = join(folder, 'metrics.json');
  const file = new FileExporter({ path, isPretty: true, earlierMax: 0 });
  for (const at of [1, 2]) await file.export(snapshot(at));
  assert.equal(readFileSync(path, 'utf8'), '{\n  "timestamp": 2\n}\n');
  assert.deepEqual(readdirSync(folder), ['metrics.json']);
  assert.deepEqual({ ...file.counts }, { exported: 2, failed: 0, retried: 0, droppedPoints: 0 });
});

test('as many earlier snapshots stay as are wanted, the youngest first, and no more', async (t) => {
  const folder = folderFor(t);
  const path = join(folder, 'metrics.json');
  const file = new FileExporter({ path, isPretty: false, earlierMax: 2 });
  for (let at = 1; at <= 5; at += 1) await file.export(snapshot(at));
  assert.deepEqual(readdirSync(folder).sort(), ['metrics.json', 'metrics.json.1', 'metrics.json.2']);
  assert.deepEqual([path, `${path}.1`, `${path}.2`].map(timeOf), [5, 4, 3]);
});

test('a link in its place is replaced and not followed', async (t) => {
  const folder = folderFor(t);
  const path = join(folder, 'metrics.json');
  const victim = join(folder, 'victim');
  writeFileSync(victim, 'mine');
  symlinkSync(victim, path);
  await new FileExporter({ path, isPretty: false, earlierMax: 0 }).export(snapshot(1));
  assert.equal(readFileSync(victim, 'utf8'), 'mine');
  assert.equal(timeOf(path), 1);
});

test('what cannot be written is counted as lost, and leaves nothing behind', async (t) => {
  const folder = folderFor(t);
  const path = join(folder, 'metrics.json');
  mkdirSync(join(path, 'in-the-way'), { recursive: true });
  const file = new FileExporter({ path, isPretty: false, earlierMax: 0 });
  await assert.rejects(file.export(snapshot(1)), { code: 'HOST_ERR_METRICS_IO', message: /^I\/O error: / });
  assert.equal(file.counts.failed, 1);
  assert.ok(file.counts.droppedPoints > 0);
  assert.deepEqual(readdirSync(folder), ['metrics.json']);
});

test('after its end it exports nothing', async (t) => {
  const path = join(folderFor(t), 'metrics.json');
  const file = new FileExporter({ path, isPretty: false, earlierMax: 0 });
  await file.shutdown();
  await assert.rejects(file.export(snapshot(1)), { code: 'HOST_ERR_METRICS_EXPORT' });
});
