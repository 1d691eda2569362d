import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { instantiateGeneral } from '../../../host/engine/general-lane/general-lane.ts';
import { stopTranspiler } from '../../../host/engine/general-lane/transpile.ts';
import { Linker } from '../../../host/engine/linker.ts';
import { helloComponent } from './guests.ts';
import { budgetWith, prepareUnmetered } from './lane.ts';

after(stopTranspiler);

interface Wait {
  until: Promise<void>;
}

/** The interfaces a hello needs, writing into `written`; `wait.until` is what its pollable waits for. */
function stdoutLinker(written: string[], wait: Wait): Linker {
  class Pollable {
    async block(): Promise<void> {
      await wait.until;
    }
  }
  class OutputStream {
    blockingWriteAndFlush(contents: Uint8Array): void {
      written.push(new TextDecoder().decode(contents));
    }
    subscribe(): Pollable {
      return new Pollable();
    }
  }
  return new Linker()
    .define('wasi:io/error@0.2.0', { functions: { Error: class {} }, suspending: new Set() })
    .define('wasi:io/poll@0.2.0', {
      functions: { Pollable },
      suspending: new Set(['[method]pollable.block']),
    })
    .define('wasi:io/streams@0.2.0', { functions: { OutputStream }, suspending: new Set() })
    .define('wasi:cli/stdout@0.2.0', {
      functions: { getStdout: () => new OutputStream() },
      suspending: new Set(),
    });
}

test('a wasi:cli/run command waits for its stream, prints hello and gives ok', async () => {
  const written: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const linker = stdoutLinker(written, { until: promise });
  const prepared = await prepareUnmetered(await helloComponent(), linker);
  const instance = await instantiateGeneral(prepared, linker, budgetWith());
  const running = instance.call('wasi:cli/run@0.2.6#run', []);
  await new Promise((turn) => setImmediate(turn));
  assert.deepEqual(written, []);
  resolve();
  assert.deepEqual(await running, { tag: 'ok', val: undefined });
  assert.deepEqual(written, ['hello\n']);
});
