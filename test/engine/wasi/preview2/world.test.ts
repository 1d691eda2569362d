import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs, suspending, wasiInterfaces } from '../../../../host/engine/wasi/preview2/preview2.ts';
import { Kept, scene } from './grants.ts';

test('the guest sees the arguments and the environment it was granted and no other', async () => {
  await using it = await scene({ args: ['prog', 'a b'], env: [['KEY', 'value']] });
  assert.deepEqual(it.call('wasi:cli/environment', 'getArguments'), ['prog', 'a b']);
  assert.deepEqual(it.call('wasi:cli/environment', 'getEnvironment'), [['KEY', 'value']]);
  assert.equal(it.call('wasi:cli/environment', 'initialCwd'), undefined);
});

test('a terminal is offered where there is one', async () => {
  const stdout = new (class extends Kept {
    override readonly isTerminal = true;
  })();
  await using it = await scene({ stdout });
  assert.equal(it.call('wasi:cli/terminal-stdin', 'getTerminalStdin'), undefined);
  assert.ok(it.call('wasi:cli/terminal-stdout', 'getTerminalStdout') instanceof Object);
  assert.equal(it.call('wasi:cli/terminal-stderr', 'getTerminalStderr'), undefined);
});

test('clocks and entropy come from the grants', async () => {
  let nowNs = 7_000_000_000n;
  const fill = (bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => bytes.fill(1);
  await using it = await scene({
    clock: {
      wallNs: () => 1_700_000_000_123_456_789n,
      monotonicNs: () => nowNs,
      monotonicMs: () => 0,
      sleep: async () => {},
    },
    random: { fill },
  });
  nowNs += 5n;
  assert.equal(it.call('wasi:clocks/monotonic-clock', 'now'), 5n);
  assert.deepEqual(it.call('wasi:clocks/wall-clock', 'now'), {
    seconds: 1_700_000_000n,
    nanoseconds: 123_456_789,
  });
  assert.equal(it.call('wasi:random/random', 'getRandomU64'), 0x0101010101010101n);
  assert.deepEqual(it.call('wasi:random/insecure', 'getInsecureRandomBytes', 2n), new Uint8Array([1, 1]));
  assert.deepEqual(it.call('wasi:random/insecure-seed', 'insecureSeed'), [
    0x0101010101010101n,
    0x0101010101010101n,
  ]);
  assert.equal(it.call('wasi:clocks/timezone', 'display').name, 'UTC');
});

test('more random bytes than the bound are refused before they are made', async () => {
  await using it = await scene();
  assert.throws(() => it.call('wasi:random/random', 'getRandomBytes', 2n ** 40n), {
    kind: 'allocation-too-large',
  });
});

test('every interface is defined, with functions, and every suspending name is one of them', async () => {
  await using it = await scene();
  const camel = (name: string): string => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  const pascal = (name: string): string => camel(`-${name}`);
  for (const full of wasiInterfaces) {
    const name = full.replace(/@.*/, '');
    const offered = it.linker.get(full);
    assert.ok(offered !== undefined, full);
    assert.equal(Object.getPrototypeOf(offered.functions), null);
    assert.ok(needs[name] !== undefined);
    for (const wit of suspending[name] ?? []) {
      const [, resource, method] = /^\[method\](.*)\.(.*)$/.exec(wit) ?? [];
      const found: unknown =
        resource === undefined || method === undefined
          ? offered.functions[camel(wit)]
          : offered.functions[pascal(resource)]?.prototype[camel(method)];
      assert.equal(typeof found, 'function', `${name} ${wit}`);
    }
  }
});
