import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { stopTranspiler } from '../../../host/engine/general-lane/transpile.ts';
import type { Instance } from '../../../host/engine/instance.ts';
import { Linker, WitError } from '../../../host/engine/linker.ts';
import { onGeneralLane } from '../../support/lanes.ts';
import { writtenAgent } from '../../support/written-agent.ts';

const wit = `package test:res@0.1.0;
interface store {
  resource session {
    constructor(topic: string);
    open: static func(topic: string) -> result<session, string>;
    topic: func() -> string;
    same: func(other: borrow<session>) -> bool;
    merge: func(other: session) -> string;
    /// Has the name of what the SDK calls giving a handle back.
    drop: func() -> string;
  }
  first: func(all: list<borrow<session>>) -> option<string>;
  pair: func() -> tuple<session, session>;
}
interface counters {
  use store.{session};
  record holder { name: string, counter: counter }
  resource counter {
    constructor(start: u32);
    next: func() -> result<u32, string>;
    plus: static func(a: borrow<counter>, b: counter) -> counter;
    session: func() -> session;
  }
  hold: func(name: string, start: u32) -> holder;
  unhold: func(h: holder) -> string;
  peek: func(all: list<borrow<counter>>) -> list<u32>;
}
world w {
  import store;
  use store.{session};
  export counters;
  export visit: func(s: borrow<session>) -> string;
  export visit-many: func(all: list<borrow<session>>) -> string;
  export keep: func(s: session) -> string;
  export use-all: func() -> string;
  export disposed: func() -> u32;
  export live: func() -> s32;
  export misuse: func() -> string;
}`;

const source = `
import { Session, first, pair } from "test:res/store@0.1.0";
import { Holder } from "test:res/counters@0.1.0";
import { Result } from "motehost:std";
import { liveBlocks } from "motehost-sdk/abi/memory";

let gone: u32 = 0;

export namespace counters {
  export class Counter {
    constructor(public n: u32) {}
    next(): Result<u32, string> {
      if (this.n >= 10) return Result.err<u32, string>("that is enough");
      return Result.ok<u32, string>(++this.n);
    }
    static plus(a: Counter, b: Counter): Counter { return new Counter(a.n + b.n); }
    session(): Session { return new Session("counter " + this.n.toString()); }
    dispose(): void { gone++; }
  }
  export function hold(name: string, start: u32): Holder { return new Holder(name, new Counter(start)); }
  export function unhold(h: Holder): string { return h.name + "=" + h.counter.n.toString(); }
  export function peek(all: Counter[]): Uint32Array {
    const list = new Uint32Array(all.length);
    for (let i = 0; i < all.length; i++) list[i] = all[i].n;
    return list;
  }
}
export function visit(s: Session): string { return "visited " + s.topic(); }
export function visitMany(all: Session[]): string {
  let text = "";
  for (let i = 0; i < all.length; i++) text += all[i].topic() + ";";
  return text;
}
export function keep(s: Session): string {
  const topic = s.topic();
  s.drop();
  return topic;
}
export function useAll(): string {
  const a = new Session("a");
  const opened = Session.open("b");
  const b = opened.value;
  const failed = Session.open("");
  const both = pair();
  const text = [
    a.topic(), b.topic(), failed.error, a.same(a).toString(), a.same(b).toString(),
    first([a, b])!, first([]) === null ? "none" : "some", a.drop_(), both.item0.topic(), both.item1.topic(),
    a.merge(b), b.isGone.toString(),
  ].join(",");
  a.drop();
  both.item0.drop();
  both.item1.drop();
  return text;
}
export function disposed(): u32 { return gone; }
export function live(): i32 { return liveBlocks(); }
export function misuse(): string {
  const a = new Session("a");
  a.drop();
  return a.topic();
}
`;

const dropped: string[] = [];

class Session {
  readonly #topic: string;
  constructor(topic: string) {
    this.#topic = topic;
  }
  static open(topic: string): Session {
    if (topic === '') throw new WitError('no topic');
    return new Session(topic);
  }
  topic(): string {
    return this.#topic;
  }
  same(other: Session): boolean {
    return other === this;
  }
  merge(other: Session): string {
    return `${this.#topic}+${other.#topic}`;
  }
  drop(): string {
    return 'dropped by name';
  }
  [Symbol.dispose](): void {
    dropped.push(this.#topic);
  }
}

const linker = new Linker().define('test:res/store@0.1.0', {
  functions: {
    Session,
    first: (all: Session[]) => all[0]?.topic(),
    pair: () => [new Session('left'), new Session('right')],
  },
  suspending: new Set(),
});

let instance: Instance;
const start = async (): Promise<Instance> => {
  const { bytes } = await built;
  return onGeneralLane(bytes, linker);
};
const built = writtenAgent(source, { wit, countBlocks: true });
const member = (name: string): string => `test:res/counters@0.1.0#${name}`;

before(async () => {
  instance = await start();
});
after(stopTranspiler);

async function call(name: string, ...args: unknown[]): Promise<unknown> {
  const answer = await instance.call(name, args);
  assert.equal(await instance.call('live', []), 0, `${name} keeps no raw block`);
  return answer;
}

test("the host's resources are made, asked, lent, given away and dropped by the agent", async () => {
  dropped.length = 0;
  const text = 'a,b,no topic,true,false,a,none,dropped by name,left,right,a+b,true';
  assert.equal(await call('use-all'), text);
  assert.deepEqual([...dropped].sort(), ['a', 'left', 'right']);
});

test('what is lent to an agent comes back when the call ends, alone and in a list', async () => {
  dropped.length = 0;
  const [one, two] = [new Session('one'), new Session('two')];
  assert.equal(await call('visit', one), 'visited one');
  assert.equal(await call('visit-many', [one, two]), 'one;two;');
  assert.equal(await call('visit', one), 'visited one');
  assert.deepEqual(dropped, []);
});

test('what is given to an agent is its own to drop', async () => {
  dropped.length = 0;
  assert.equal(await call('keep', new Session('mine')), 'mine');
  assert.deepEqual(dropped, ['mine']);
});

test("the agent's resources live while the host has a handle, and are told when it has none", async () => {
  const before = (await call('disposed')) as number;
  const counter = (await call(member('[constructor]counter'), 9)) as Disposable;
  assert.deepEqual(await call(member('[method]counter.next'), counter), { tag: 'ok', val: 10 });
  assert.deepEqual(await call(member('[method]counter.next'), counter), {
    tag: 'err',
    val: 'that is enough',
  });
  counter[Symbol.dispose]();
  assert.equal(await call('disposed'), before + 1);
});

test('a handle given back is the object itself, and ends without being told', async () => {
  const before = await call('disposed');
  const a = await call(member('[constructor]counter'), 1);
  const b = await call(member('[constructor]counter'), 2);
  const sum = await call(member('[static]counter.plus'), a, b);
  assert.deepEqual(await call(member('peek'), [sum, a]), new Uint32Array([3, 1]));
  const held = await call(member('hold'), 'x', 7);
  assert.equal(await call(member('unhold'), held), 'x=7');
  assert.equal(await call('disposed'), before);
});

test('an exported resource gives out one of the host', async () => {
  const counter = await call(member('[constructor]counter'), 4);
  const session = (await call(member('[method]counter.session'), counter)) as Session;
  assert.equal(session.topic(), 'counter 4');
});

test('a hundred objects of the agent outlive its collector', async () => {
  const counters = [];
  for (let n = 0; n < 100; n++) counters.push(await call(member('[constructor]counter'), n));
  for (let round = 0; round < 20; round++) await call('use-all');
  assert.deepEqual(await call(member('peek'), counters), new Uint32Array(counters.map((_, n) => n)));
});

test('a resource that was dropped says so when it is used', async () => {
  const lonely = await start();
  await assert.rejects(lonely.call('misuse', []), { name: 'Trap' });
});
