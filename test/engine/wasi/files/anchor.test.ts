import assert from 'node:assert/strict';
import { constants, existsSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../../../host/clock.ts';
import {
  type Anchor,
  checkedPathAnchor,
  descriptorAnchor,
} from '../../../../host/engine/wasi/files/anchor.ts';
import { Disk } from '../../../../host/engine/wasi/files/disk.ts';
import { anchorings, fails, sandbox } from './sandbox.ts';

const anchorOf = (kind: Anchor['kind']): Anchor =>
  kind === 'descriptor' ? descriptorAnchor(new Disk(systemClock)) : checkedPathAnchor(new Disk(systemClock));

for (const kind of anchorings) {
  test(`${kind}: a link that appears after a name was looked up is neither entered nor created through`, async (context) => {
    const { inside, outside } = await sandbox(context);
    const anchor = anchorOf(kind);
    const root = await anchor.root(inside);
    context.after(() => root.release());
    assert.equal(await anchor.look(root, 'name'), undefined);
    symlinkSync(join(outside, 'new'), join(inside, 'name'));
    await fails('exist', () => anchor.create(root, 'name', constants.O_WRONLY));
    assert.equal(existsSync(join(outside, 'new')), false);
    symlinkSync(outside, join(inside, 'folder'));
    assert.equal(await anchor.enter(root, 'folder'), undefined);
  });

  test(`${kind}: a file that was looked at is the one that is opened, or none is`, async (context) => {
    const { inside, outside } = await sandbox(context);
    const anchor = anchorOf(kind);
    const root = await anchor.root(inside);
    context.after(() => root.release());
    writeFileSync(join(inside, 'file'), 'mine');
    const found = await anchor.look(root, 'file');
    assert.ok(found !== undefined);
    context.after(() => found.handle.release());
    renameSync(join(inside, 'file'), join(inside, 'moved'));
    symlinkSync(join(outside, 'secret'), join(inside, 'file'));
    if (kind === 'checked-path') await fails('busy', () => anchor.reopen(found.handle, constants.O_RDONLY));
    else {
      const opened = await anchor.reopen(found.handle, constants.O_RDONLY);
      const bytes = new Uint8Array(4);
      await opened.disk.read(true, opened.fd, bytes, 0);
      opened.release();
      assert.equal(Buffer.from(bytes).toString(), 'mine');
    }
  });
}

test('checked-path: a directory that was swapped for a link is no place for changes', async (context) => {
  const { inside, outside } = await sandbox(context);
  const anchor = anchorOf('checked-path');
  mkdirSync(join(inside, 'dir'));
  const root = await anchor.root(inside);
  const directory = await anchor.enter(root, 'dir');
  assert.ok(directory !== undefined);
  renameSync(join(inside, 'dir'), join(inside, 'moved'));
  symlinkSync(outside, join(inside, 'dir'));
  await fails('busy', () => anchor.verify(directory));
  await fails('busy', () => anchor.look(directory, 'secret'));
  await fails('busy', () => anchor.create(directory, 'new', constants.O_WRONLY));
});
