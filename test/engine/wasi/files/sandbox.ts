import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { systemClock } from '../../../../host/clock.ts';
import { Budget } from '../../../../host/engine/budget.ts';
import { FileError, type FileErrorCode } from '../../../../host/engine/wasi/files/file-error.ts';
import { openFiles } from '../../../../host/engine/wasi/files/files.ts';
import type { Files, OpenDirectory, OpenFile, OpenRequest } from '../../../../host/engine/wasi/files/port.ts';
import { defaultLimits, type Limits } from '../../../../host/limits.ts';

export type Anchoring = Files['anchoring'];
export const anchorings: readonly Anchoring[] = ['descriptor', 'checked-path'];

/** A folder `in` that the guest sees and a folder `out` beside it with a secret that it must not. */
export interface Sandbox {
  readonly inside: string;
  readonly outside: string;
  readonly budget: Budget;
  readonly files: Files;
  /** `in`, read-write. */
  readonly root: OpenDirectory;
  /** `in`, read-only. */
  readonly readOnly: OpenDirectory;
}

export const secret = 'the secret outside';

export async function sandbox(
  context: TestContext,
  anchoring: Anchoring = 'descriptor',
  limits: Partial<Limits> = {},
): Promise<Sandbox> {
  const folder = mkdtempSync(join(tmpdir(), 'motehost-files-'));
  const [inside, outside] = [join(folder, 'in'), join(folder, 'out')];
  mkdirSync(inside);
  mkdirSync(outside);
  writeFileSync(join(outside, 'secret'), secret);
  const budget = new Budget({ limits: { ...defaultLimits, ...limits }, clock: systemClock });
  const files = await openFiles(
    [
      { hostPath: inside, guestPath: '/', mode: 'read-write' },
      { hostPath: inside, guestPath: '/ro', mode: 'read-only' },
    ],
    budget,
    { anchoring },
  );
  context.after(() => {
    files.dispose();
    rmSync(folder, { recursive: true, force: true });
  });
  const [root, readOnly] = files.preopens.map(({ directory }) => directory);
  assert.ok(root !== undefined && readOnly !== undefined);
  return { inside, outside, budget, files, root, readOnly };
}

/** The act fails with this code. */
export async function fails(code: FileErrorCode, act: () => unknown): Promise<void> {
  await assert.rejects(
    async () => act(),
    (thrown: unknown) => {
      assert.ok(thrown instanceof FileError, String(thrown));
      assert.equal(thrown.code, code);
      return true;
    },
  );
}

export async function openFile(
  directory: OpenDirectory,
  path: string,
  request: OpenRequest = { read: true, follow: true },
): Promise<OpenFile> {
  const opened = await directory.openAt(path, request);
  assert.equal(opened.kind, 'file');
  assert.ok(opened.kind === 'file');
  return opened;
}

export async function openDirectory(directory: OpenDirectory, path: string): Promise<OpenDirectory> {
  const opened = await directory.openAt(path, { read: true, directory: true, follow: true });
  assert.ok(opened.kind === 'directory');
  return opened;
}

export async function readAll(file: OpenFile): Promise<string> {
  const buffer = new Uint8Array(4096);
  const length = await file.read(buffer, 0n);
  return Buffer.from(buffer.subarray(0, length)).toString();
}
