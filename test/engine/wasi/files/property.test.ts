import assert from 'node:assert/strict';
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../../../host/clock.ts';
import { Budget } from '../../../../host/engine/budget.ts';
import { FileError } from '../../../../host/engine/wasi/files/file-error.ts';
import { openFiles } from '../../../../host/engine/wasi/files/files.ts';
import type { Descriptor, OpenDirectory } from '../../../../host/engine/wasi/files/port.ts';
import { defaultLimits } from '../../../../host/limits.ts';
import { fc } from '../../../support/properties.ts';
import { anchorings, secret } from './sandbox.ts';

const name = fc.constantFrom(
  'a',
  'b',
  'link',
  'up',
  'abs',
  'self',
  'file',
  '..',
  '.',
  '',
  'out',
  'in',
  'secret',
);
const path = fc.array(name, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('/'));
const verb = fc.constantFrom(
  'open',
  'create',
  'write',
  'enter',
  'stat',
  'times',
  'mkdir',
  'rmdir',
  'unlink',
  'rename',
  'link',
  'symlink',
  'readlink',
  'list',
);
const step = fc.record({ verb, from: path, to: path, follow: fc.boolean(), base: fc.nat(3) });
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Does one step of a guest that means harm; gives what it could read. */
async function take(bases: OpenDirectory[], { verb, from, to, follow, base }: Step): Promise<string> {
  const at = bases[base % bases.length] as OpenDirectory;
  const other = bases[0] as OpenDirectory;
  const peek = async (opened: Descriptor): Promise<string> => {
    if (opened.kind === 'directory') {
      bases.push(opened);
      return (await opened.list(0n)).entries.map((entry) => entry.name).join();
    }
    const buffer = new Uint8Array(64);
    const length = opened.readable ? await opened.read(buffer, 0n) : 0;
    if (opened.writable) await opened.write(new TextEncoder().encode('overwritten'), 0n);
    opened.close();
    return Buffer.from(buffer.subarray(0, length)).toString();
  };
  if (verb === 'open') return peek(await at.openAt(from, { read: true, follow }));
  if (verb === 'create') return peek(await at.openAt(from, { write: true, create: true, follow }));
  if (verb === 'write')
    return peek(await at.openAt(from, { read: true, write: true, truncate: follow, follow: true }));
  if (verb === 'enter') return peek(await at.openAt(from, { read: true, directory: true, follow: true }));
  if (verb === 'stat') await at.statAt(from, follow);
  if (verb === 'times') await at.setTimesAt(from, follow, 'now', 'now');
  if (verb === 'mkdir') await at.createDirectory(from);
  if (verb === 'rmdir') await at.removeDirectory(from);
  if (verb === 'unlink') await at.removeFile(from);
  if (verb === 'rename') await at.rename(from, other, to);
  if (verb === 'link') await at.link(from, follow, other, to);
  if (verb === 'symlink') await at.createSymlink(from, to);
  if (verb === 'readlink') return at.readSymlink(from);
  if (verb === 'list') return (await at.list(0n)).entries.map((entry) => entry.name).join();
  return '';
}

/** All that a guest could have changed outside. */
function outsideState(folder: string): unknown {
  const out = join(folder, 'out');
  const { mtimeNs } = statSync(join(out, 'secret'), { bigint: true });
  return [
    readdirSync(folder).toSorted(),
    readdirSync(out),
    readFileSync(join(out, 'secret'), 'utf8'),
    mtimeNs,
    statSync(out).mtimeMs,
  ];
}

for (const anchoring of anchorings) {
  test(`${anchoring}: no sequence of operations reads or changes anything outside`, async () => {
    const openBefore = readdirSync('/proc/self/fd').length;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        const folder = mkdtempSync(join(tmpdir(), 'motehost-property-'));
        for (const each of ['out', 'in', 'in/a', 'in/a/b', 'in/b']) mkdirSync(join(folder, each));
        writeFileSync(join(folder, 'out/secret'), secret);
        writeFileSync(join(folder, 'in/file'), 'mine');
        symlinkSync('../../out', join(folder, 'in/a/up'));
        symlinkSync(join(folder, 'out'), join(folder, 'in/abs'));
        symlinkSync('a/b', join(folder, 'in/link'));
        symlinkSync('../a', join(folder, 'in/a/self'));
        linkSync(join(folder, 'in/file'), join(folder, 'in/a/file'));
        const before = outsideState(folder);
        const budget = new Budget({ limits: defaultLimits, clock: systemClock });
        const files = await openFiles(
          [{ hostPath: join(folder, 'in'), guestPath: '/', mode: 'read-write' }],
          budget,
          { anchoring },
        );
        try {
          const bases = files.preopens.map(({ directory }) => directory);
          for (const each of steps) {
            const saw = await take(bases, each).catch((thrown: unknown) => {
              assert.ok(thrown instanceof FileError, String(thrown));
              return '';
            });
            assert.equal(saw.includes(secret), false);
          }
          assert.deepEqual(outsideState(folder), before);
        } finally {
          files.dispose();
          rmSync(folder, { recursive: true, force: true });
        }
      }),
      { numRuns: 150 },
    );
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(readdirSync('/proc/self/fd').length, openBefore);
  });
}
