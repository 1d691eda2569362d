import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { stopTranspiler } from '../../../host/engine/general-lane/transpile.ts';
import type { Instance } from '../../../host/engine/instance.ts';
import { Linker, WitError } from '../../../host/engine/linker.ts';
import { buildScript, onGeneralLane } from '../../support/script-agent.ts';

const wit = `package test:res@0.1.0;
interface store {
  resource session {
    constructor(topic: string);
    open: static func(topic: string) -> result<session, string>;
    topic: func() -> string;
    size: func() -> u64;
    same: func(other: borrow<session>) -> bool;
  }
  first: func(all: list<borrow<session>>) -> option<string>;
  swallow: func(one: session) -> string;
  pair: func() -> tuple<session, session>;
}
interface counters {
  use store.{session};
  record holder { name: string, counter: counter }
  resource counter {
    constructor(start: u64);
    next: func() -> result<u64, string>;
    plus: static func(a: borrow<counter>, b: counter) -> counter;
    me: func() -> counter;
    session: func() -> session;
  }
  hold: func(name: string, start: u64) -> holder;
  unhold: func(h: holder) -> string;
  peek: func(all: list<borrow<counter>>) -> list<u64>;
}
world w {
  import store;
  export counters;
  export use-all: func() -> string;
  export misuse: func(kind: u32) -> string;
}`;

const source = `
import { Session, first, pair, swallow } from 'test:res/store';
class Counter {
  constructor(n) { this.n = n; }
  next() { if (this.n > 2n ** 63n) throw new Error('enough'); this.n += 1n; return this.n; }
  static plus(a, b) { return new Counter(a.n + b.n); }
  me() { return this; }
  session() { return new Session('of ' + this.n); }
}
export const counters = {
  Counter,
  hold: (name, start) => ({ name, counter: new Counter(start) }),
  unhold: ({ name, counter }) => name + counter.n,
  peek: (all) => BigUint64Array.from(all, (one) => one.n),
};
export function useAll() {
  const a = new Session('a');
  const b = Session.open('b');
  const [c, d] = pair();
  const said = [a.topic(), b.topic(), c.topic(), d.topic(), a.size(), a.same(a), a.same(b), first([b, a]), first([])];
  try { Session.open(''); } catch (error) { said.push(error.message, error.payload); }
  said.push(swallow(d));
  a[Symbol.dispose](); b[Symbol.dispose](); c[Symbol.dispose]();
  return said.join('|');
}
export function misuse(kind) {
  const wrong = [() => first([{}]), () => new Session(5), () => swallow('x'), () => first(5)][kind];
  try { wrong(); } catch (error) { return error.message; }
  return 'nothing';
}`;

let live = 0;

class HostSession {
  readonly name: string;
  constructor(topic: string) {
    live += 1;
    this.name = topic;
  }
  static open(topic: string): HostSession {
    if (topic === '') throw new WitError('no topic');
    return new HostSession(topic);
  }
  topic(): string {
    return this.name;
  }
  size(): bigint {
    return 2n ** 63n + 1n;
  }
  same(other: HostSession): boolean {
    return other === this;
  }
  [Symbol.dispose](): void {
    live -= 1;
  }
}

const functions = {
  Session: HostSession,
  first: (all: HostSession[]) => all[0]?.name,
  swallow: (one: HostSession) => `ate ${one.name}`,
  pair: () => [new HostSession('left'), new HostSession('right')],
};

let instance: Instance;
before(async () => {
  const linker = new Linker().define('test:res/store@0.1.0', { functions, suspending: new Set() });
  instance = await onGeneralLane((await buildScript(source, { wit })).bytes, linker);
});
after(stopTranspiler);

const call = (name: string, ...args: unknown[]): Promise<unknown> =>
  instance.call(`test:res/counters@0.1.0#${name}`, args);

test('a program makes, calls, lends, gives away and drops the host’s resources', async () => {
  const said = await instance.call('use-all', []);
  assert.equal(
    said,
    'a|b|left|right|9223372036854775809|true|false|b||Session.open failed: no topic|no topic|ate right',
  );
  assert.equal(live, 1, 'what the host was given is the host’s');
});

test('the host makes, calls and drops a program’s resources', async () => {
  const counter = (await call('[constructor]counter', 2n ** 62n)) as Disposable;
  assert.deepEqual(await call('[method]counter.next', counter), { tag: 'ok', val: 2n ** 62n + 1n });
  assert.deepEqual(await call('peek', [counter]), new BigUint64Array([2n ** 62n + 1n]));
  counter[Symbol.dispose]();
  const full = await call('[constructor]counter', 2n ** 64n - 1n);
  assert.deepEqual(await call('[method]counter.next', full), { tag: 'err', val: 'enough' });
});

test('a program’s resource comes back to it, alone, in a record, and more than once', async () => {
  const [a, b] = [await call('[constructor]counter', 1n), await call('[constructor]counter', 2n)];
  const sum = await call('[static]counter.plus', a, b);
  assert.deepEqual(await call('peek', [a, sum]), new BigUint64Array([1n, 3n]));
  const held = (await call('hold', 'x', 7n)) as { counter: unknown };
  assert.equal(await call('unhold', held), 'x7');
  const again = await call('[method]counter.me', a);
  await call('[method]counter.next', again);
  assert.deepEqual(await call('peek', [a, again]), new BigUint64Array([2n, 2n]), 'two handles of one object');
  assert.equal(await call('unhold', { name: 'y', counter: again }), 'y2');
  assert.deepEqual(await call('[method]counter.next', a), { tag: 'ok', val: 3n });
});

test('a program hands on a resource of the host', async () => {
  const counter = await call('[constructor]counter', 4n);
  const session = (await call('[method]counter.session', counter)) as HostSession;
  assert.equal(session.topic(), 'of 4');
});

test('what is no such resource is refused with a TypeError', async () => {
  const said = async (kind: number): Promise<unknown> => await instance.call('misuse', [kind]);
  assert.equal(
    await said(0),
    'store.first, all[0]: expected a Session of test:res/store@0.1.0, got an object Object',
  );
  assert.equal(await said(1), 'new Session, topic: expected a string, got 5');
  assert.equal(await said(2), 'store.swallow, one: expected a Session of test:res/store@0.1.0, got "x"');
  assert.equal(await said(3), 'store.first, all: expected an array, got 5');
});

test('a thousand resources that the host drops leave nothing behind', async () => {
  const memory = async (): Promise<void> => {
    for (let count = 0; count < 1000; count += 1)
      ((await call('[constructor]counter', 5n)) as Disposable)[Symbol.dispose]();
  };
  await memory();
  const before = instance.budget.memoryBytes;
  await memory();
  await memory();
  assert.equal(instance.budget.memoryBytes, before);
});
