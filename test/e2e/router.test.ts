import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, describe, test } from 'node:test';
import { loadLanguage } from '../../guest-sdk/build/languages.ts';
import { resolveTarget } from '../../guest-sdk/build/target.ts';
import { stopTranspiler } from '../../host/engine/general-lane/transpile.ts';
import type { Instance } from '../../host/engine/instance.ts';
import { Linker } from '../../host/engine/linker.ts';
import { readManifest } from '../../host/manifest.ts';
import { skip as skipC } from '../guest-sdk/c/c-project.ts';
import { skip as skipRust } from '../guest-sdk/rust/rust-project.ts';
import { onGeneralLane } from '../support/lanes.ts';
import { memoryHost, runBytes } from '../support/run.ts';

// One agent in four languages, held to one promise: examples/router/wit/router.wit and its README.

after(stopTranspiler);

const folder = resolve(import.meta.dirname, '../../examples/router');

/** Builds a folder of the example as `host build --release` does. */
async function build(name: string): Promise<Uint8Array<ArrayBuffer>> {
  const home = join(folder, name);
  const manifest = readManifest(home);
  const language = await loadLanguage(manifest.language);
  const target = await resolveTarget(home, manifest.world ?? '', manifest.wit);
  const project = {
    folder: home,
    name: manifest.name,
    entry: manifest.entry ?? language.entry,
    target,
    release: true,
  };
  return new Uint8Array((await language.build(project)).bytes);
}

const member = (name: string): string => `example:router/routing@0.1.0#${name}`;

/** The exported interface, called directly. */
class Router {
  readonly #instance: Instance;
  readonly #handle: unknown;

  constructor(instance: Instance, handle: unknown) {
    this.#instance = instance;
    this.#handle = handle;
  }

  static async make(instance: Instance, name: string): Promise<Router> {
    return new Router(instance, await instance.call(member('[constructor]router'), [name]));
  }

  ask(name: string, ...args: unknown[]): Promise<unknown> {
    return this.#instance.call(member(`[method]router.${name}`), [this.#handle, ...args]);
  }

  route(verb: string, path: string, body?: Uint8Array): Promise<unknown> {
    return this.ask('route', { verb, path, body });
  }
}

const quiet = { functions: { enabled: () => false, write: () => {} }, suspending: new Set<string>() };

async function open(bytes: Uint8Array<ArrayBuffer>): Promise<Instance> {
  const linker = new Linker().define('motehost:agent/log@0.1.0', quiet);
  const nothing = { functions: {}, suspending: new Set<string>() };
  for (const name of ['bus', 'context', 'tools']) linker.define(`motehost:agent/${name}@0.1.0`, nothing);
  for (const name of ['wall-clock', 'monotonic-clock']) linker.define(`wasi:clocks/${name}@0.2.0`, clock);
  linker.define('wasi:random/random@0.2.0', random);
  return onGeneralLane(bytes, linker);
}

const clock = {
  functions: { now: () => 0n, resolution: () => 1n },
  suspending: new Set<string>(),
};
const random = {
  functions: { getRandomU64: () => 4n, getRandomBytes: (length: bigint) => new Uint8Array(Number(length)) },
  suspending: new Set<string>(),
};

const ok = (val: unknown): unknown => ({ tag: 'ok', val });
const err = (tag: string, val?: unknown): unknown => ({
  tag: 'err',
  val: val === undefined ? { tag } : { tag, val },
});

const languages = { assemblyscript: false, rust: skipRust, typescript: false, c: skipC };

for (const [name, skip] of Object.entries(languages)) {
  describe(`the router in ${name}`, { skip }, () => {
    let built: Promise<Uint8Array<ArrayBuffer>> | undefined;
    const bytes = (): Promise<Uint8Array<ArrayBuffer>> => (built ??= build(name));

    test('answers messages as its README says', async () => {
      const host = memoryHost();
      const ask = async (text: string): Promise<unknown> => {
        const message = { subject: 'test', body: new TextEncoder().encode(text) };
        const { outcome, result } = await runBytes(host, await bytes(), { call: { kind: 'main', message } });
        if (outcome.kind === 'error') return outcome.failure;
        assert.equal(
          outcome.kind,
          'ok',
          JSON.stringify(outcome, (_, value) => String(value)),
        );
        return new TextDecoder().decode(result);
      };
      assert.equal(await ask('GET /hello/Ada'), 'Hello, Ada!');
      assert.equal(await ask('GET /hello/Grünwald 🌲'.replace(' 🌲', '🌲')), 'Hello, Grünwald🌲!');
      assert.equal(await ask('GET /old/a/b'), '-> /new');
      assert.equal(await ask('POST /orders'), '=> orders (500 ms)');
      assert.deepEqual(await ask('GET /admin/keys'), { tag: 'denied', val: 'no way' });
      assert.deepEqual(await ask('PUT /orders'), { tag: 'unsupported', val: 'use POST' });
      assert.deepEqual(await ask('GET /nowhere'), { tag: 'invalid', val: 'no route for /nowhere' });
      assert.deepEqual(await ask('GET /hello/'), { tag: 'invalid', val: 'no route for /hello/' });
      assert.deepEqual(await ask(''), { tag: 'invalid', val: 'VERB PATH, please' });
      await host.close();
    });

    test('exports a resource that keeps routes in their order', async () => {
      const router = await Router.make(await open(await bytes()), 'front');
      assert.equal(await router.ask('name'), 'front');
      const forward = { tag: 'forward', val: { agent: 'shop', timeoutMs: 4_000_000_000 } };
      assert.deepEqual(
        await router.ask('add', 'GET', '/items/:id', { tag: 'reply', val: 'item {id}' }),
        ok(1),
      );
      assert.deepEqual(await router.ask('add', 'GET', '/items/*', { tag: 'deny' }), ok(2));
      assert.deepEqual(await router.ask('add', 'PUT', '/items/:id/parts/:part', forward), ok(3));
      assert.deepEqual(
        await router.ask('add', 'POST', '/items/:id', { tag: 'redirect', val: '/new' }),
        ok(4),
      );
      assert.deepEqual(await router.ask('patterns'), [
        '/items/:id',
        '/items/*',
        '/items/:id/parts/:part',
        '/items/:id',
      ]);
      assert.deepEqual(
        await router.route('GET', '/items/7', new Uint8Array([1, 2])),
        ok({
          pattern: '/items/:id',
          params: [{ name: 'id', value: '7' }],
          action: { tag: 'reply', val: 'item {id}' },
        }),
      );
      assert.deepEqual(
        await router.route('GET', '/items/7/x'),
        ok({ pattern: '/items/*', params: [{ name: '*', value: '7/x' }], action: { tag: 'deny' } }),
      );
      assert.deepEqual(
        await router.route('PUT', '/items/7/parts/lid'),
        ok({
          pattern: '/items/:id/parts/:part',
          params: [
            { name: 'id', value: '7' },
            { name: 'part', value: 'lid' },
          ],
          action: forward,
        }),
      );
      // `*` takes an empty segment, `:id` does not; neither takes none.
      assert.deepEqual(
        await router.route('GET', '/items/'),
        ok({ pattern: '/items/*', params: [{ name: '*', value: '' }], action: { tag: 'deny' } }),
      );
      assert.deepEqual(await router.route('GET', '/items'), err('not-found'));
      assert.equal(await router.ask('hits'), 4n);
    });

    test('says why there is no route', async () => {
      const router = await Router.make(await open(await bytes()), '');
      const deny = { tag: 'deny' };
      assert.deepEqual(await router.route('GET', '/'), err('not-found'));
      assert.deepEqual(
        await router.ask('add', 'GET', 'x', deny),
        err('bad-pattern', 'a pattern begins with /'),
      );
      assert.deepEqual(await router.ask('add', 'GET', '/*/x', deny), err('bad-pattern', '* must come last'));
      assert.deepEqual(
        await router.ask('add', 'GET', '/:', deny),
        err('bad-pattern', 'a parameter needs a name'),
      );
      for (const verb of ['PUT', 'GET', 'PUT']) await router.ask('add', verb, '/a/:b', deny);
      assert.deepEqual(await router.route('POST', '/a/b'), err('verb-not-allowed', ['PUT', 'GET']));
      assert.deepEqual(await router.route('POST', '/a/'), err('not-found'));
      assert.equal(await router.ask('hits'), 0n);
      assert.deepEqual(await router.ask('patterns'), ['/a/:b', '/a/:b', '/a/:b']);
    });

    test('keeps two routers apart, and gives back what a thousand left', async () => {
      const instance = await open(await bytes());
      const [one, two] = [await Router.make(instance, 'one'), await Router.make(instance, 'two')];
      await one.ask('add', 'GET', '/x', { tag: 'deny' });
      assert.deepEqual([await one.ask('patterns'), await two.ask('patterns')], [['/x'], []]);
      for (let count = 0; count < 1000; count += 1) {
        const handle = (await instance.call(member('[constructor]router'), ['x'.repeat(1000)])) as Disposable;
        handle[Symbol.dispose]();
      }
      assert.equal(await one.ask('name'), 'one');
      assert.ok(instance.budget.memoryBytes < 8 * 1024 * 1024, String(instance.budget.memoryBytes));
    });
  });
}

test('the README of the example names a folder for each language', () => {
  const readme = readFileSync(join(folder, 'README.md'), 'utf8');
  for (const [, name = ''] of readme.matchAll(/host run examples\/router\/(\w+)/g))
    assert.ok(existsSync(join(folder, name, 'agent.toml')), name);
});
