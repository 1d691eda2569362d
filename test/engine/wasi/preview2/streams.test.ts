import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Stopped } from '../../../../host/engine/budget.ts';
import { Trap } from '../../../../host/engine/trap.ts';
import { InputStream } from '../../../../host/engine/wasi/preview2/streams.ts';
import { chunks, Kept, scene, witError } from './grants.ts';

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (of: string): Uint8Array => new TextEncoder().encode(of);

test('standard input is read chunk by chunk, then closed', async () => {
  await using it = await scene({ stdin: chunks('one', 'two') });
  const stdin = it.call('wasi:cli/stdin', 'getStdin');
  assert.deepEqual(stdin.read(10n), new Uint8Array(), 'nothing has arrived yet');
  assert.equal(text(await stdin.blockingRead(2n)), 'on');
  assert.equal(text(await stdin.blockingRead(9n)), 'e');
  assert.equal(await stdin.blockingSkip(1n), 1n);
  assert.equal(text(await stdin.blockingRead(9n)), 'wo');
  assert.deepEqual(await witError(() => stdin.blockingRead(1n)), { tag: 'closed' });
});

test('a pollable of an input stream becomes ready with the data', async () => {
  const { promise, resolve } = Promise.withResolvers<Uint8Array>();
  await using it = await scene({ stdin: { isTerminal: false, read: () => promise } });
  const event = it.call('wasi:cli/stdin', 'getStdin').subscribe();
  assert.equal(event.ready(), false);
  const waited = event.block();
  resolve(bytes('x'));
  await waited;
  assert.equal(event.ready(), true);
});

test('a failing source is reported once with its message, then the stream is closed', async () => {
  await using it = await scene({
    stdin: {
      isTerminal: false,
      read: async () => {
        throw new Error('the pipe broke');
      },
    },
  });
  const stdin = it.call('wasi:cli/stdin', 'getStdin');
  const failed = (await witError(() => stdin.blockingRead(1n))) as {
    tag: string;
    val: { toDebugString(): string };
  };
  assert.equal(failed.tag, 'last-operation-failed');
  assert.equal(failed.val.toDebugString(), 'the pipe broke');
  assert.equal(it.call('wasi:filesystem/types', 'filesystemErrorCode', failed.val), undefined);
  assert.deepEqual(await witError(() => stdin.read(1n)), { tag: 'closed' });
});

test('an output stream holds back a guest that writes faster than the destination takes', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let taken = 0;
  await using it = await scene({
    stdout: {
      isTerminal: false,
      write: (some) => {
        taken += some.length;
        return promise;
      },
    },
  });
  const stdout = it.call('wasi:cli/stdout', 'getStdout');
  assert.equal(stdout.checkWrite(), 65536n);
  stdout.writeZeroes(65536n);
  assert.equal(stdout.checkWrite(), 0n);
  const event = stdout.subscribe();
  assert.equal(event.ready(), false);
  const flushed = stdout.blockingFlush();
  resolve();
  await flushed;
  assert.equal(event.ready(), true);
  assert.equal(taken, 65536);
});

test('writing without a permit or more than 4096 bytes at once traps', async () => {
  await using it = await scene();
  const stdout = it.call('wasi:cli/stdout', 'getStdout');
  assert.throws(() => stdout.write(bytes('x')), Trap);
  stdout.checkWrite();
  stdout.write(bytes('x'));
  stdout.write(new Uint8Array(65_535));
  assert.throws(() => stdout.write(bytes('x')), Trap);
  assert.throws(() => stdout.writeZeroes(2n ** 63n), Trap);
  assert.throws(() => stdout.blockingWriteAndFlush(new Uint8Array(4097)), Trap);
  assert.throws(() => stdout.blockingWriteZeroesAndFlush(4097n), Trap);
});

test('what was written without a flush still arrives before dispose resolves', async () => {
  const stdout = new Kept();
  const it = await scene({ stdout });
  const out = it.call('wasi:cli/stdout', 'getStdout');
  out.checkWrite();
  out.write(bytes('a'));
  out.write(bytes('b'));
  await it.wasi.dispose();
  assert.equal(stdout.text, 'ab');
});

test('splice moves bytes from one stream to another until the source is closed', async () => {
  const stdout = new Kept();
  await using it = await scene({ stdin: chunks('ab', 'cd'), stdout });
  const stdin = it.call('wasi:cli/stdin', 'getStdin');
  const out = it.call('wasi:cli/stdout', 'getStdout');
  assert.equal(await out.blockingSplice(stdin, 100n), 2n);
  assert.equal(await out.blockingSplice(stdin, 1n), 1n);
  assert.equal(out.splice(stdin, 100n), 0n, 'nothing is there yet');
  assert.equal(await out.blockingSplice(stdin, 100n), 1n);
  assert.deepEqual(await witError(() => out.blockingSplice(stdin, 1n)), { tag: 'closed' });
  await out.blockingFlush();
  assert.equal(stdout.text, 'abcd');
});

test('output over the limit stops the guest, stdout and stderr together', async () => {
  const stdout = new Kept();
  await using it = await scene({ stdout }, { outputBytesMax: 10 });
  await it.call('wasi:cli/stdout', 'getStdout').blockingWriteAndFlush(bytes('123456'));
  const stderr = it.call('wasi:cli/stderr', 'getStderr');
  assert.throws(() => stderr.blockingWriteAndFlush(bytes('12345')), Stopped);
  assert.deepEqual(it.budget.cause, { kind: 'limit', limit: 'outputBytesMax', max: 10, used: 11 });
  assert.equal(stdout.text, '123456');
});

test('a destination that fails closes the stream', async () => {
  await using it = await scene({
    stdout: {
      isTerminal: false,
      write: async () => {
        throw new Error('EPIPE');
      },
    },
  });
  const stdout = it.call('wasi:cli/stdout', 'getStdout');
  const failed = (await witError(() => stdout.blockingWriteAndFlush(bytes('x')))) as { tag: string };
  assert.equal(failed.tag, 'last-operation-failed');
  assert.deepEqual(await witError(() => stdout.checkWrite()), { tag: 'closed' });
});

test('a guest that never drops its handles is ended', async () => {
  await using it = await scene();
  assert.throws(
    () => {
      for (let count = 0; count < 100_000; count += 1) it.call('wasi:cli/stdout', 'getStdout');
    },
    { kind: 'allocation-too-large' },
  );
});

test('a dropped handle counts no longer and a second drop changes nothing', async () => {
  await using it = await scene();
  for (let count = 0; count < 100_000; count += 1) {
    const out = it.call('wasi:cli/stdout', 'getStdout');
    out[Symbol.dispose]();
    out[Symbol.dispose]();
  }
});

test('a resource cannot be made from values a guest can send', () => {
  const forged = { guest: {}, source: {} };
  // @ts-expect-error A component may declare a constructor with any arguments.
  assert.throws(() => new InputStream(forged, forged), TypeError);
});
