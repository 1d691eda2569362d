import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Trap } from '../../../../host/engine/trap.ts';
import { heldBytesMax } from '../../../../host/engine/wasi/preview2/held-bytes.ts';
import { type Scene, scene } from './grants.ts';

const types = 'wasi:http/types';

/** A handle of the guest; its methods have no static types on the host side. */
interface Handle extends Disposable {
  [method: string]: (...args: unknown[]) => Handle;
}

function make(it: Scene, name: string, ...args: unknown[]): Handle {
  const Resource = it.linker.get(`${types}@0.2.0`)?.functions[name];
  return Reflect.construct(Resource as () => void, args);
}

/** Calls `open` until it traps: what was opened before. */
function untilFull(open: () => Handle, most: number): Handle[] {
  const handles: Handle[] = [];
  try {
    while (handles.length <= most) handles.push(open());
  } catch (thrown) {
    if (thrown instanceof Trap && thrown.kind === 'allocation-too-large') return handles;
    throw thrown;
  }
  throw new Error(`nothing stopped the guest at ${handles.length} handles`);
}

function dropped(handles: readonly Handle[]): void {
  for (const handle of handles) handle[Symbol.dispose]();
}

const perHandle = (bytes: number): number => Math.ceil(heldBytesMax / bytes);

test('what fits is held: one full set of fields beside many small ones', async () => {
  await using it = await scene();
  const full = make(it, 'Fields');
  full.append?.('x-full', new Uint8Array(120_000).fill(0x61));
  const small = Array.from({ length: 10_000 }, () => make(it, 'Fields'));
  for (const fields of small) fields.append?.('x', new Uint8Array([0x61]));
  assert.equal(full.has?.('x-full'), true);
});

test('full sets of fields are held up to a total, and room comes back when they are dropped', async () => {
  await using it = await scene();
  const value = new Uint8Array(120_000).fill(0x61);
  const open = (): Handle => {
    const fields = make(it, 'Fields');
    fields.append?.('x-full', value);
    return fields;
  };
  for (let round = 0; round < 3; round += 1) {
    const handles = untilFull(open, perHandle(120_000));
    assert.ok(handles.length > perHandle(125_000), `${handles.length}`);
    dropped(handles);
  }
});

test('copies count like what they copy', async () => {
  await using it = await scene();
  const fields = make(it, 'Fields');
  fields.append?.('x-full', new Uint8Array(120_000).fill(0x61));
  untilFull(() => fields.clone?.() as Handle, perHandle(120_000));
});

test('many empty field lines count for what they cost the host', async () => {
  await using it = await scene();
  const values = Array.from({ length: 3000 }, () => new Uint8Array());
  untilFull(
    () => {
      const fields = make(it, 'Fields');
      fields.set?.('x', values);
      return fields;
    },
    perHandle(3000 * 512),
  );
});

test('the headers and paths of requests that are never sent are held up to the same total', async () => {
  await using it = await scene();
  const value = new Uint8Array(60_000).fill(0x61);
  const path = `/${'a'.repeat(60_000)}`;
  const open = (): Handle => {
    const fields = make(it, 'Fields');
    fields.append?.('x-full', value);
    const made = make(it, 'OutgoingRequest', fields);
    made.setPathWithQuery?.(path);
    return made;
  };
  const handles = untilFull(open, perHandle(120_000));
  assert.ok(handles.length > perHandle(125_000), `${handles.length}`);
  dropped(handles);
  dropped(untilFull(open, perHandle(120_000)));
});

test('bodies that wait for a request are held up to the same total', async () => {
  await using it = await scene();
  const bytes = new Uint8Array(65_536);
  untilFull(() => {
    const made = make(it, 'OutgoingRequest', make(it, 'Fields'));
    const stream = made.body?.().write?.() as Handle;
    stream.checkWrite?.();
    stream.write?.(bytes);
    return made;
  }, perHandle(65_536));
});

test('bytes read ahead of a guest that does not read them are held up to the same total', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'held-'));
  writeFileSync(join(folder, 'file'), new Uint8Array(65_536));
  try {
    await using it = await scene({
      preopens: [{ hostPath: folder, guestPath: '/', mode: 'read-only' }],
    });
    const [[directory] = []] = it.call('wasi:filesystem/preopens', 'getDirectories');
    const file = await directory.openAt({}, 'file', {}, { read: true });
    const open = (): Handle => {
      const stream = file.readViaStream(0n);
      stream.subscribe().ready();
      return stream;
    };
    const handles = untilFull(open, perHandle(65_536));
    assert.equal(handles.length, perHandle(65_536));
    dropped(handles);
    const again = open() as unknown as { read(length: bigint): Uint8Array };
    assert.equal(again.read(65_536n).length, 65_536);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
