import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { instantiateGeneral } from '../../../host/engine/general-lane/general-lane.ts';
import { stopTranspiler } from '../../../host/engine/general-lane/transpile.ts';
import { Linker } from '../../../host/engine/linker.ts';
import { budgetWith, prepareMetered } from '../../engine/general-lane/lane.ts';
import { host } from '../../support/cli.ts';
import { HostProcess } from '../../support/process.ts';
import { skip } from './c-project.ts';

const home = mkdtempSync(join(tmpdir(), 'motehost-c-http-'));
after(async () => {
  rmSync(home, { recursive: true });
  await stopTranspiler();
});
before(async () => {
  if (skip !== false) return;
  const made = await host(['new', 'web', '--lang', 'c', '--template', 'http'], { cwd: home });
  assert.equal(made.code, 0, made.stderr);
  const built = await host(['build', 'web'], { cwd: home });
  assert.deepEqual([built.code, built.stderr], [0, '']);
});

test('the template http answers real requests', { skip, timeout: 60_000 }, async () => {
  await using run = new HostProcess(['dev', 'web', '--port', '0'], home);
  const [, url = ''] = await run.stderr.until(/serving (http:\/\/127\.0\.0\.1:\d+)\//);
  assert.equal(await (await fetch(`${url}/a?b=c`)).text(), 'Hello from /a?b=c\n');
  assert.equal((await fetch(url, { method: 'POST', body: 'x' })).status, 200);
  const { length } = readFileSync(join(home, 'web/build/web.wasm'));
  assert.ok(length < 50_000, `${length} bytes`);
  assert.equal(await run.end('SIGINT'), 130);
});

let live = 0;

/** What counts how many handles a program holds. */
class Held {
  constructor() {
    live += 1;
  }
  [Symbol.dispose](): void {
    live -= 1;
  }
}

const written: string[] = [];
class OutputStream extends Held {
  blockingWriteAndFlush(bytes: Uint8Array): void {
    written.push(new TextDecoder().decode(bytes));
  }
}
class Fields extends Held {}
class OutgoingBody extends Held {
  write(): OutputStream {
    return new OutputStream();
  }
  static finish(body: OutgoingBody): void {
    body[Symbol.dispose]();
  }
}
class OutgoingResponse extends Held {
  constructor(headers: Fields) {
    super();
    headers[Symbol.dispose]();
  }
  body(): OutgoingBody {
    return new OutgoingBody();
  }
}
class IncomingRequest extends Held {
  pathWithQuery(): string | undefined {
    return written.length % 2 === 0 ? '/x'.repeat(500) : undefined;
  }
}
class ResponseOutparam extends Held {
  static set(out: ResponseOutparam, response: { readonly val: OutgoingResponse }): void {
    out[Symbol.dispose]();
    response.val[Symbol.dispose]();
  }
}

test('many requests in one instance leave no memory and no handle behind', { skip }, async () => {
  const offer = (functions: object) => ({
    functions: { ...functions } as never,
    suspending: new Set<string>(),
  });
  const linker = new Linker()
    .define('wasi:io/error@0.2.0', offer({ Error: Held }))
    .define('wasi:io/poll@0.2.0', offer({ Pollable: Held }))
    .define('wasi:io/streams@0.2.0', offer({ InputStream: Held, OutputStream }))
    .define(
      'wasi:http/types@0.2.0',
      offer({
        Fields,
        Headers: Fields,
        Trailers: Fields,
        IncomingRequest,
        OutgoingBody,
        OutgoingResponse,
        ResponseOutparam,
      }),
    );
  const bytes = new Uint8Array(readFileSync(join(home, 'web/build/web.wasm')));
  const instance = await instantiateGeneral(await prepareMetered(bytes, linker), linker, budgetWith());
  const ask = async (count: number): Promise<void> => {
    for (let request = 0; request < count; request += 1)
      await instance.call('wasi:http/incoming-handler@0.2.0#handle', [
        new IncomingRequest(),
        new ResponseOutparam(),
      ]);
  };
  await ask(100);
  assert.deepEqual(written.slice(0, 2), [`Hello from ${'/x'.repeat(500)}\n`, 'Hello from /\n']);
  const before = instance.budget.memoryBytes;
  await ask(2000);
  assert.equal(instance.budget.memoryBytes, before);
  assert.equal(live, 0);
  instance.dispose();
});
