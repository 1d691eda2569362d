import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instantiateFast } from '../../../host/engine/fast-lane/fast-lane.ts';
import { Linker, WitError } from '../../../host/engine/linker.ts';
import { meter } from '../../../host/engine/meter/meter.ts';
import { Trap } from '../../../host/engine/trap.ts';
import { HostError } from '../../../host/errors.ts';
import { bumpAllocator } from '../../support/component-tools.ts';
import { budgetOf, guestOf } from './fast-guest.ts';

const wit = `package a:b@1.2.3;
  interface bus { request: func(body: string) -> result<list<u8>, string>; tick: func(n: u32) -> u32; }
  world guest { import bus; import note: func(text: string);
    export ask: func(body: string) -> result<list<u8>, string>;
    export count: func(n: u32) -> u32;
    export spin: func(); export grow: func(pages: u32) -> s32; export say: func(text: string); export fail: func();
    export careless: func() -> string; export api: interface { twice: func(text: string) -> string; } }`;

const guest = await guestOf(
  `(module
    (import "a:b/bus@1.2.3" "request" (func $request (param i32 i32 i32)))
    (import "a:b/bus@1.2.3" "tick" (func $tick (param i32) (result i32)))
    (import "$root" "note" (func $note (param i32 i32)))
    (memory (export "memory") 2) ${bumpAllocator}
    (func (export "ask") (param i32 i32) (result i32) (call $request (local.get 0) (local.get 1) (i32.const 16)) (i32.const 16))
    (func (export "cabi_post_ask") (param i32) (call $reset))
    (func (export "count") (param i32) (result i32) (call $tick (local.get 0)))
    (func (export "spin") (loop $l (br $l)))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "say") (param i32 i32) (call $note (local.get 0) (local.get 1)))
    (func (export "fail") (unreachable))
    (func (export "careless") (result i32) (i32.store (i32.const 8) (i32.const 8)) (i32.store (i32.const 12) (i32.const 1)) (i32.const 8))
    (func (export "cabi_post_careless") (param i32) (drop (call $tick (i32.const 1))))
    (func (export "api#twice") (param i32 i32) (result i32)
      (local $to i32) (local.set $to (call $realloc (i32.const 0) (i32.const 0) (i32.const 1) (i32.mul (local.get 1) (i32.const 2))))
      (memory.copy (local.get $to) (local.get 0) (local.get 1))
      (memory.copy (i32.add (local.get $to) (local.get 1)) (local.get 0) (local.get 1))
      (i32.store (i32.const 8) (local.get $to)) (i32.store (i32.const 12) (i32.mul (local.get 1) (i32.const 2))) (i32.const 8)))`,
  wit,
);

interface Offer {
  readonly request?: (body: string) => unknown;
  readonly tick?: (n: number) => unknown;
  readonly note?: (text: string) => unknown;
  readonly suspending?: readonly string[];
}

function offer({
  request = () => new Uint8Array(),
  tick = (n) => n + 1,
  note = () => {},
  suspending = [],
}: Offer) {
  return new Linker()
    .define('a:b/bus@1.9.0', { functions: { request, tick }, suspending: new Set(suspending) })
    .define('$root', { functions: { note }, suspending: new Set() });
}

const isTrap = (kind: string) => (error: unknown) => error instanceof Trap && error.kind === kind;
const isRefused = (code: string) => (error: unknown) => error instanceof HostError && error.code === code;

for (const metered of [false, true]) {
  const how = metered ? 'metered' : 'unmetered';

  test(`a host function answers at once or later, and an error becomes the err of the result (${how})`, async () => {
    const request = async (body: string) => {
      await null;
      if (body === 'no') throw new WitError('refused');
      return new TextEncoder().encode(body);
    };
    const instance = await guest.start({ linker: offer({ request, suspending: ['request'] }), metered });
    assert.deepEqual(await instance.call('ask', ['héllo']), {
      tag: 'ok',
      val: new TextEncoder().encode('héllo'),
    });
    assert.deepEqual(await instance.call('ask', ['no']), { tag: 'err', val: 'refused' });
    const sync = await guest.start({
      linker: offer({ request: (body) => Uint8Array.of(body.length) }),
      metered,
    });
    assert.deepEqual(await sync.call('ask', ['abc']), { tag: 'ok', val: Uint8Array.of(3) });
    assert.deepEqual(sync.callSync('ask', ['abc']), { tag: 'ok', val: Uint8Array.of(3) });
  });

  test(`an exported interface's function is called by its full name (${how})`, async () => {
    const instance = await guest.start({ linker: offer({}), metered });
    assert.equal(await instance.call('api#twice', ['ab€']), 'ab€ab€');
    assert.deepEqual(
      [instance.has('api#twice'), instance.has('twice'), instance.has('memory')],
      [true, false, false],
    );
  });

  test(`a trap closes the instance (${how})`, async () => {
    const instance = await guest.start({ linker: offer({}), metered });
    await assert.rejects(instance.call('fail', []), isTrap('unreachable'));
    await assert.rejects(instance.call('count', [1]), isRefused('HOST_ERR_INSTANCE_CLOSED'));
  });

  test(`an Error out of a host function is a host fault and closes the instance (${how})`, async () => {
    const tick = () => {
      throw new Error('disk on fire');
    };
    const instance = await guest.start({ linker: offer({ tick }), metered });
    await assert.rejects(
      instance.call('count', [1]),
      (error) => isTrap('host-fault')(error) && /disk on fire/.test(String(error)),
    );
    await assert.rejects(instance.call('count', [1]), isRefused('HOST_ERR_INSTANCE_CLOSED'));
  });

  test(`a host function that breaks its own type is a host fault that says where (${how})`, async () => {
    const instance = await guest.start({ linker: offer({ tick: () => 'many' }), metered });
    await assert.rejects(
      instance.call('count', [1]),
      /result of a:b\/bus@1.2.3 tick must be u32, got "many"/,
    );
  });

  test(`a guest may not call out while it cleans up (${how})`, async () => {
    const instance = await guest.start({ linker: offer({}), metered });
    await assert.rejects(instance.call('careless', []), isTrap('canonical-abi'));
    assert.equal(instance.budget.synchronousDepth, 0);
  });
}

test('a second call while the first waits is refused, and the first still ends well', async () => {
  const { promise, resolve } = Promise.withResolvers<Uint8Array>();
  const instance = await guest.start({ linker: offer({ request: () => promise, suspending: ['request'] }) });
  const first = instance.call('ask', ['x']);
  await assert.rejects(instance.call('count', [1]), isRefused('HOST_ERR_INSTANCE_BUSY'));
  resolve(Uint8Array.of(7));
  assert.deepEqual(await first, { tag: 'ok', val: Uint8Array.of(7) });
  assert.equal(await instance.call('count', [1]), 2);
});

test('a host function cannot call back into the instance that called it', async () => {
  let seen: unknown;
  const tick = (n: number) => {
    seen = instance.call('count', [n]).catch((error: unknown) => error);
    return n;
  };
  const instance = await guest.start({ linker: offer({ tick }) });
  assert.equal(await instance.call('count', [5]), 5);
  assert.ok(isRefused('HOST_ERR_INSTANCE_BUSY')(await seen));
});

test('a promise from a function that is not suspending is a host fault', async () => {
  const instance = await guest.start({ linker: offer({ tick: async () => 1 }) });
  await assert.rejects(instance.call('count', [1]), /gave a promise but is not suspending/);
});

test('a suspending import in a synchronous call is a trap of kind cannot-block', async () => {
  const instance = await guest.start({
    linker: offer({ request: async () => new Uint8Array(), suspending: ['request'] }),
  });
  assert.throws(() => instance.callSync('ask', ['x']), isTrap('cannot-block'));
});

test('what the linker lacks is listed whole', async () => {
  const linker = new Linker().define('a:b/bus@1.2.3', {
    functions: { tick: (n: number) => n },
    suspending: new Set(),
  });
  await assert.rejects(guest.start({ linker }), (error) => {
    assert.ok(isRefused('HOST_ERR_LINK_MISSING_IMPORT')(error));
    assert.deepEqual((error as HostError).data.missing, ['a:b/bus@1.2.3#request', '$root']);
    return true;
  });
  const inherited = new Linker().define('$root', {
    functions: Object.create({ note: () => {} }),
    suspending: new Set(),
  });
  await assert.rejects(guest.start({ linker: inherited }), isRefused('HOST_ERR_LINK_MISSING_IMPORT'));
});

test('an export that does not exist is refused with those that do', async () => {
  const instance = await guest.start({ linker: offer({}) });
  await assert.rejects(instance.call('cabi_realloc', []), /no export 'cabi_realloc'; there is: ask, count/);
  assert.equal(await instance.call('count', [1]), 2);
});

test('an endless loop is stopped by fuel, whatever the slice, and pauses give other work its turn', async () => {
  for (const fuelMax of [10_000n, 3_000_000n]) {
    const budget = budgetOf({ fuelMax });
    const instance = await guest.start({ linker: offer({}), metered: true, budget });
    await assert.rejects(instance.call('spin', []), isTrap('unreachable'));
    assert.equal(budget.cause?.kind === 'limit' && budget.cause.limit, 'fuelMax');
  }
});

test('growth beyond the budget fails in the guest, and memories count at the start', async () => {
  const budget = budgetOf({ memoryBytesMax: 4 * 65_536 });
  const instance = await guest.start({ linker: offer({}), metered: true, budget });
  assert.equal(await instance.call('grow', [2]), 2);
  assert.equal(await instance.call('grow', [1]), -1);
  assert.equal(await instance.call('api#twice', ['still here']), 'still herestill here');
  const small = budgetOf({ memoryBytesMax: 65_536 });
  await assert.rejects(guest.start({ linker: offer({}), metered: true, budget: small }));
  assert.equal(small.cause?.kind === 'limit' && small.cause.limit, 'memoryBytesMax');
});

test('bytes that a host call brings to the host can be charged', async () => {
  const { offset, length } = guest.plan.module;
  const metered = meter(guest.bytes.slice(offset, offset + length), { fuelCell: 'own' });
  const module = new WebAssembly.Module(metered.bytes);
  const used = async (byteLifted: number) => {
    const instance = await instantiateFast(guest.plan, module, offer({}), budgetOf(), { byteLifted });
    await instance.call('say', ['x'.repeat(100)]);
    return instance.budget.fuelUsed;
  };
  assert.equal((await used(3)) - (await used(0)), 300n);
});

test('shims that are not run are paid for: the charge of each import is known', () => {
  assert.equal(guest.plan.startCharge, 4);
  assert.deepEqual(guest.plan.importCharges, [6, 0, 5]);
  assert.deepEqual(
    guest.plan.imports.map((one) => one.late),
    [true, false, true],
  );
});

const starting = await guestOf(
  `(module (import "$root" "note" (func $note (param i32 i32))) (import "$root" "tick" (func $tick (param i32)))
    (memory (export "memory") 1) (data (i32.const 8) "hi") ${bumpAllocator}
    (global $ready (mut i32) (i32.const 0))
    (func (export "_initialize") (call $note (i32.const 8) (i32.const 2)) (global.set $ready (i32.const 42)))
    (func (export "get") (result i32) (global.get $ready)))`,
  'package a:b; world guest { import note: func(text: string); import tick: func(n: u32); export get: func() -> u32; }',
);

test('_initialize runs once, complete, and may wait', async () => {
  const heard: string[] = [];
  const note = async (text: string) => {
    await null;
    heard.push(text);
  };
  const linker = new Linker().define('$root', {
    functions: { note, tick: () => {} },
    suspending: new Set(['note']),
  });
  for (const metered of [false, true]) {
    const instance = await starting.start({ linker, metered });
    assert.equal(await instance.call('get', []), 42);
  }
  assert.deepEqual(heard, ['hi', 'hi']);
});

test('a start section that calls through a shim traps, as it would in the component', async () => {
  const early = await guestOf(
    `(module (import "$root" "note" (func $note (param i32 i32))) (memory (export "memory") 1) ${bumpAllocator}
      (func $s (call $note (i32.const 8) (i32.const 2))) (start $s) (func (export "get") (result i32) (i32.const 1)))`,
    'package a:b; world guest { import note: func(text: string); export get: func() -> u32; }',
  );
  const linker = new Linker().define('$root', { functions: { note: () => {} }, suspending: new Set() });
  for (const metered of [false, true])
    await assert.rejects(early.start({ linker, metered }), isTrap('indirect-call-null'));
});

test('a disposed instance answers no more', async () => {
  const instance = await guest.start({ linker: offer({}) });
  instance.dispose();
  await assert.rejects(instance.call('count', [1]), isRefused('HOST_ERR_INSTANCE_CLOSED'));
});
