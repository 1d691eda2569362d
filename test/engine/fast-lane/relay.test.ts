import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { fits, type Leg, run } from '../../../host/engine/fast-lane/relay.ts';
import { wat } from '../../support/wat.ts';

const guestModule = new WebAssembly.Module(
  await wat(`(module
    (rec (type $own (func (param i32) (result i32))) (type (func)))
    (import "host" "wait" (func $wait (param i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "double") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
    (func (export "waitThenDouble") (param i32) (result i32) (i32.mul (call $wait (local.get 0)) (i32.const 2)))
    (func (export "trap") (param i32) (result i32) unreachable)
    (func (export "two") (param i32 i32) (result i32) local.get 0)
    (func (export "own") (type $own) local.get 0))`),
);

type GuestFunction = 'double' | 'waitThenDouble' | 'trap' | 'two' | 'own';

/** A guest whose import waits for a promise. */
class Guest {
  readonly come = Promise.withResolvers<void>();
  readonly #exports: WebAssembly.Instance['exports'];

  constructor() {
    const wait = async (value: number): Promise<number> => {
      await this.come.promise;
      return value;
    };
    const host = { wait: new WebAssembly.Suspending(wait) };
    this.#exports = new WebAssembly.Instance(guestModule, { host }).exports;
  }

  get memory(): object {
    return this.#exports.memory as WebAssembly.Memory;
  }

  core(name: GuestFunction): WebAssembly.ExportedFunction {
    return this.#exports[name] as WebAssembly.ExportedFunction;
  }
}

/** A call that writes down what becomes of it, and then does something more. */
class Call implements Leg {
  readonly core: WebAssembly.ExportedFunction;
  readonly argument: number;
  readonly #log: string[];
  readonly #after: () => void;
  readonly over = Promise.withResolvers<void>();
  isDue = true;

  constructor(log: string[], core: WebAssembly.ExportedFunction, argument: number, after = () => {}) {
    this.#log = log;
    this.core = core;
    this.argument = argument;
    this.#after = after;
  }

  returned(result: number): void {
    this.#log.push(`${this.argument} gave ${result >>> 0}`);
    this.#after();
    this.over.resolve();
  }

  threw(thrown: unknown): void {
    this.#log.push(`${this.argument} threw ${thrown instanceof Error ? thrown.name : thrown}`);
    this.over.resolve();
  }
}

test('a guest that does not suspend has come back when its call returns', () => {
  const log: string[] = [];
  run(new Call(log, new Guest().core('double'), 21));
  assert.deepEqual(log, ['21 gave 42']);
});

test('what the end of a call begins follows it, in the same instance and in others, as long as it goes on', () => {
  const log: string[] = [];
  const guests = [new Guest(), new Guest()];
  const begin = (index: number): void => {
    const core = (guests[(index >> 1) & 1] as Guest).core('double');
    const after = (): void => {
      if (index === 9) return;
      begin(index + 1);
      log.push(`${index} began the next`);
    };
    run(new Call(log, core, index, after));
  };
  begin(0);
  const expected = Array.from({ length: 10 }, (_, index) => {
    const came = `${index} gave ${2 * index}`;
    return index === 9 ? [came] : [came, `${index} began the next`];
  });
  assert.deepEqual(log, expected.flat());
});

test('an argument of all 32 bits arrives as it is, for the same function and for another', () => {
  const log: string[] = [];
  const core = new Guest().core('double');
  const other = new Guest().core('double');
  const last = new Call(log, other, -1);
  const middle = new Call(log, core, -2, () => run(last));
  run(new Call(log, core, 1, () => run(middle)));
  assert.deepEqual(log, ['1 gave 2', '-2 gave 4294967292', '-1 gave 4294967294']);
});

test('of two calls that one end begins, each is made', () => {
  const log: string[] = [];
  const core = new Guest().core('double');
  const both = (): void => {
    run(new Call(log, core, 2));
    run(new Call(log, core, 3));
  };
  run(new Call(log, core, 1, both));
  assert.deepEqual(log.toSorted(), ['1 gave 2', '2 gave 4', '3 gave 6']);
});

test('a guest that waits keeps its stack, and others run meanwhile', async () => {
  const log: string[] = [];
  const slow = new Guest();
  const quick = new Guest().core('double');
  const late = new Call(log, quick, 3);
  const waiting = new Call(log, slow.core('waitThenDouble'), 2, () => run(late));
  run(new Call(log, quick, 1, () => run(waiting)));
  run(new Call(log, quick, 4));
  assert.deepEqual(log, ['1 gave 2', '4 gave 8']);
  slow.come.resolve();
  await late.over.promise;
  assert.deepEqual(log, ['1 gave 2', '4 gave 8', '2 gave 4', '3 gave 6']);
});

test('a trap is told to the one whose call it was, not to those before it on its stack', async () => {
  const log: string[] = [];
  const guest = new Guest();
  const bad = new Call(log, guest.core('trap'), 2);
  run(new Call(log, guest.core('double'), 1, () => run(bad)));
  await bad.over.promise;
  assert.deepEqual(log, ['1 gave 2', '2 threw RuntimeError']);
});

test('a call that is off before the stack is free is not made', () => {
  const log: string[] = [];
  const core = new Guest().core('double');
  const dropped = new Call(log, core, 2);
  const begin = (): void => {
    run(dropped);
    dropped.isDue = false;
  };
  run(new Call(log, core, 1, begin));
  assert.deepEqual(log, ['1 gave 2']);
});

test('only functions of the one type fit', () => {
  const guest = new Guest();
  const names: readonly GuestFunction[] = ['double', 'trap', 'two', 'own'];
  assert.deepEqual(
    names.filter((name) => fits(guest.core(name))),
    ['double', 'trap'],
  );
});

/** Calls a guest that nobody has afterwards. */
function callOnce(): WeakRef<object> {
  const guest = new Guest();
  run(new Call([], guest.core('double'), 1));
  return new WeakRef(guest.memory);
}

test('the memory of a guest that was called and dropped is collected', async () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const memories = [callOnce(), callOnce(), callOnce()];
  for (let turns = 0; turns < 100 && memories.some((one) => one.deref() !== undefined); turns += 1) {
    await turn();
    gc();
  }
  assert.deepEqual(
    memories.map((one) => one.deref()),
    [undefined, undefined, undefined],
  );
});
