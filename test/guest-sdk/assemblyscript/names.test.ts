import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { namespacesOf } from '../../../guest-sdk/assemblyscript/build/bindings/model.ts';
import { decodeComponent } from '../../../host/engine/component/decode.ts';
import { stopTranspiler } from '../../../host/engine/general-lane/transpile.ts';
import type { Instance } from '../../../host/engine/instance.ts';
import { type HostFunction, Linker } from '../../../host/engine/linker.ts';
import { onFastLane, onGeneralLane } from '../../support/lanes.ts';
import { writtenAgent } from '../../support/written-agent.ts';

after(stopTranspiler);

async function run(source: string, wit: string, linker = new Linker()): Promise<Instance> {
  return onFastLane((await writtenAgent(source, { wit })).bytes, linker);
}

function host(interfaces: Readonly<Record<string, Readonly<Record<string, HostFunction>>>>): Linker {
  const linker = new Linker();
  for (const [name, functions] of Object.entries(interfaces))
    linker.define(name, { functions, suspending: new Set() });
  return linker;
}

describe('names that collide', () => {
  test('words of the language and of the SDK get an underscore', async () => {
    const wit = `package test:names;
      interface words {
        record %result { %class: u32, this: string, new: bool, %type: u8 }
        variant %list { delete, %static(u32), tag(string), in(%result) }
        enum box { default, null, %enum }
        flags %map { if, else, %export }
        record list-tag { a: u8 }
        delete: func(function: u32, %return: u32) -> u32;
        changetype: func(%u32: u32) -> u32;
        store: func(load: %result) -> %list;
        %import: func(x: box, y: %map) -> tuple<box, %map>;
        %to-string: func() -> string;
      }
      world w { import words; use words.{%result, %list, list-tag};
        export delete: func(x: %result) -> %list;
        export %constructor: func(%interface: string) -> string;
        export run: func() -> string; }`;
    const source = `
      import * as words from "test:names/words";
      import { List, ListTag, ListTag_, Result_ } from "test:names/w";
      export function delete_(x: Result_): List { return List.in_(x); }
      export function constructor_(text: string): string { return text + "!"; }
      export function run(): string {
        const stored = words.store(new Result_(words.delete_(20, 22), "text", true, 7));
        const pair = words.import_(words.Box_.null_, words.Map_.if_ | words.Map_.export_);
        const tag: ListTag = new ListTag(1);
        return [
          words.changetype_(5).toString(), stored.asTag, (stored.tag == ListTag_.tag).toString(),
          (pair.item0 == words.Box_.enum_).toString(), pair.item1.toString(), words.toString_(), tag.a.toString(),
        ].join(" ");
      }`;
    const linker = host({
      'test:names/words': {
        delete: (a: number, b: number) => a + b,
        changetype: (n: number) => n * 2,
        store: (value: { class: number; this: string }) => ({
          tag: 'tag',
          val: `${value.class}${value.this}`,
        }),
        import: (box: string, map: object) => [box === 'null' ? 'enum' : 'default', map],
        toString: () => 'words',
      },
    });
    const instance = await run(source, wit, linker);
    assert.equal(await instance.call('run', []), '10 42text true true 5 words 1');
    const value = { class: 1, this: 't', new: false, type: 2 };
    assert.deepEqual(await instance.call('delete', [value]), { tag: 'in', val: value });
    assert.equal(await instance.call('constructor', ['x']), 'x!');
  });

  test('so do modifiers, and methods that classes of resources have anyway', async () => {
    const wit = `package test:modifiers;
      interface given {
        record words { override: u8, readonly: u8 }
        variant either { override(string), readonly }
        %string: func(text: string, override: u8) -> string;
        resource thing { constructor(); is-gone: func() -> string; abstract: func() -> u32; declare: func() -> u32; }
      }
      interface %string {
        resource thing { constructor(); dispose: func(n: u32) -> u32; abstract: func() -> u32; }
        disposed: func() -> u32;
      }
      world w { import given; export %string; export run: func() -> string; }`;
    const source = `
      import { Either, Thing, Words, string_ } from "test:modifiers/given";
      let count: u32 = 0;
      export namespace string_ {
        export class Thing {
          dispose_(n: u32): u32 { count += n; return count; }
          abstract_(): u32 { return 7; }
        }
        export function disposed(): u32 { return count; }
      }
      export function run(): string {
        const thing = new Thing();
        const text = thing.isGone_() + thing.isGone.toString() + thing.abstract_().toString();
        thing.drop();
        return [text, thing.isGone.toString(), string_("x", new Words(1, 2).readonly_), Either.override_("y").asOverride_].join(" ");
      }`;
    class Thing {
      isGone(): string {
        return 'here ';
      }
      abstract(): number {
        return 1;
      }
      declare(): number {
        return 2;
      }
      [Symbol.dispose](): void {}
    }
    const string = (text: string, n: number) => `${text}${n}`;
    const functions = { string, Thing };
    const linker = new Linker().define('test:modifiers/given', { functions, suspending: new Set() });
    const instance = await onGeneralLane((await writtenAgent(source, { wit: wit })).bytes, linker);
    assert.equal(await instance.call('run', []), 'here false1 true x2 y');
    const member = (name: string) => `test:modifiers/string#${name}`;
    const thing = (await instance.call(member('[constructor]thing'), [])) as Disposable;
    assert.equal(await instance.call(member('[method]thing.dispose'), [thing, 5]), 5);
    thing[Symbol.dispose]();
    assert.equal(await instance.call(member('disposed'), []), 5);
  });

  test("the border's own words may be names of types and functions", async () => {
    const wit = `package test:border;
      interface lists {
        record numbers { all: list<u32>, name: string }
        record plain { bits: list<bool>, %string: %string }
        record %string { text: string, %list: list<string> }
        type several = list<numbers>;
      }
      interface user { use lists.{several}; m0: func(m1: several) -> several; m1: func(a: several) -> u32; }
      world w { import user; use lists.{plain, numbers};
        export post: func(all: list<plain>) -> u32;
        export give: func(all: list<plain>, more: list<numbers>) -> tuple<list<plain>, list<numbers>>; }`;
    const source = `
      import { Numbers, Plain } from "test:border/w";
      import { m0 } from "test:border/user";
      import { Tuple2 } from "motehost:std";
      export function post(all: Plain[]): u32 { return all.length; }
      export function give(all: Plain[], more: Numbers[]): Tuple2<Plain[], Numbers[]> {
        return new Tuple2<Plain[], Numbers[]>(all, m0(more));
      }`;
    const user = { m0: (all: unknown) => all, m1: () => 0 };
    const instance = await run(source, wit, host({ 'test:border/user': user }));
    const plain = [{ bits: [true, false], string: { text: 'a', list: ['b', ''] } }];
    const numbers = [{ all: new Uint32Array([1, 2]), name: 'c' }];
    assert.deepEqual(await instance.call('give', [plain, numbers]), [plain, numbers]);
    assert.equal(await instance.call('post', [plain]), 1);
  });

  test('a function post needs no other function with something to give back', async () => {
    const instance = await run(
      'export function post(n: u32): u32 { return n + 1; }',
      'package a:b; world w { export post: func(n: u32) -> u32; }',
    );
    assert.equal(await instance.call('post', [1]), 2);
  });

  test('a function memory is refused, since the memory has that name', async () => {
    await assert.rejects(
      writtenAgent('export function memory(): void {}', {
        wit: 'package a:b; world w { export memory: func(); }',
      }),
      { code: 'HOST_ERR_WIT_INVALID', message: /'memory'.* give it another name/ },
    );
  });

  test('two inline interfaces may have types of one name, and of one the language has', async () => {
    const wit = `package test:inline;
      world w {
        import one: interface { record date { day: u8 } record set { n: u8 } now: func() -> date; }
        export two: interface { record date { year: u16 } record set { n: u16 } next: func(d: date, s: set) -> date; }
      }`;
    const source = `
      import { now } from "one";
      import { Date as Year, Set as Count } from "two";
      export namespace two {
        export function next(d: Year, s: Count): Year {
          const seen = new Set<string>();
          seen.add("x");
          return new Year(d.year + now().day + s.n + <u16>seen.size);
        }
      }`;
    const instance = await run(source, wit, host({ one: { now: () => ({ day: 3 }) } }));
    assert.deepEqual(await instance.call('two#next', [{ year: 2000 }, { n: 10 }]), { year: 2014 });
  });

  test('interfaces of one name are told apart by package, then namespace, then version', () => {
    const names = (...list: string[]) => Object.fromEntries(namespacesOf(list));
    assert.deepEqual(names('a:x/api@1.0.0', 'a:y/other@1.0.0', 'plain'), {
      'a:x/api@1.0.0': 'api',
      'a:y/other@1.0.0': 'other',
      plain: 'plain',
    });
    assert.deepEqual(names('a:x/api@1.0.0', 'a:y/api@1.0.0', 'b:y/api@1.0.0'), {
      'a:x/api@1.0.0': 'xApi',
      'a:y/api@1.0.0': 'aYApi',
      'b:y/api@1.0.0': 'bYApi',
    });
    assert.deepEqual(names('a:x/api@1.0.0', 'a:x/api@2.0.0'), {
      'a:x/api@1.0.0': 'aXApiV100',
      'a:x/api@2.0.0': 'aXApiV200',
    });
  });
});

describe('every place a function can have', () => {
  const wit = `package test:places@0.3.0;
    interface both {
      record point { x: s32, y: s32 }
      type place = point; type number = s32; type words = list<string>; type maybe = option<number>;
      variant either { a, b(number) } type one = either;
      flip: func(p: place) -> point;
      first: func(all: words, or: maybe, e: one) -> either;
    }
    world w {
      import both;
      use both.{one as single, words};
      import log-it: func(text: string) -> u32;
      import inside: interface { twice: func(n: u32) -> u32; }
      export both;
      export outside: interface { enum colour { red, green } next: func(c: colour) -> colour; }
      export run: func() -> string;
    }`;
  const source = `
    import { Either, Maybe, Number, One, Place, Point, Words, first, flip } from "test:places/both";
    import { Single, SingleTag, logIt } from "test:places/w@0.3.0";
    import { Box } from "motehost:std";
    import { twice } from "inside";
    import { Colour } from "outside";
    import * as exported from "exports:test:places/both@0.3.0";
    export namespace both {
      export function flip(p: exported.Point): exported.Point { return new exported.Point(p.y, p.x); }
      export function first(all: string[], or: Box<i32> | null, e: exported.Either): exported.Either { return e; }
    }
    export namespace outside {
      export function next(c: Colour): Colour { return c == Colour.red ? Colour.green : Colour.red; }
    }
    export function run(): string {
      const flipped = flip(new Place(1, -2));
      const words: Words = ["x", "y"];
      const none: Maybe = null;
      const number: Number = 3;
      const found: Single = first(words, none, One.b(number));
      if (found.tag != SingleTag.b) return "not b";
      return [logIt("hello").toString(), twice(21).toString(), flipped.x.toString(), flipped.y.toString(), found.asB.toString()].join(" ");
    }`;

  test('the world itself, its inline interfaces, one interface in both directions', async () => {
    const linker = host({
      'test:places/both@0.3.0': {
        flip: ({ x, y }: { x: number; y: number }) => ({ x: y, y: x }),
        first: (_: string[], __: unknown, e: unknown) => e,
      },
      $root: { logIt: (text: string) => text.length },
      inside: { twice: (n: number) => 2 * n },
    });
    const instance = await run(source, wit, linker);
    assert.equal(await instance.call('run', []), '5 42 -2 1 3');
    assert.deepEqual(await instance.call('test:places/both@0.3.0#flip', [{ x: 1, y: 2 }]), { x: 2, y: 1 });
    assert.equal(await instance.call('outside#next', ['red']), 'green');
  });
});

describe('what AssemblyScript cannot have is refused by name', () => {
  const cases = [
    ['a stream', 'export f: func(x: stream<u8>);', /'exports:test:no\/w#f' has a stream/],
    [
      'a future inside a list',
      'export f: func() -> list<future<string>>;',
      /'exports:test:no\/w#f' has a future/,
    ],
  ] as const;
  for (const [title, item, expected] of cases) {
    test(title, async () => {
      await assert.rejects(
        writtenAgent('', { wit: `package test:no; world w { ${item} }` }),
        (error: Error) => {
          assert.match(error.message, expected);
          assert.match(error.message, /cannot have yet/);
          return true;
        },
      );
    });
  }
});

describe('what no program can have is refused in words', () => {
  const refused = async (items: string, expected: RegExp): Promise<void> => {
    const wit = `package a:b; interface i { ${items} } world w { import i; }`;
    await assert.rejects(writtenAgent('', { wit }), { code: 'HOST_ERR_WIT_INVALID', message: expected });
  };

  test('flags of 33 names', () => {
    const names = Array.from({ length: 33 }, (_, index) => `name${index}`).join(', ');
    return refused(`flags many { ${names} }`, /^WIT of package 'a:b': flags must have 1 to 32 names$/);
  });

  test('a type whose text would fill the memory', () => {
    const pairs = Array.from(
      { length: 22 },
      (_, index) => `type t${index + 1} = tuple<list<t${index}>, list<t${index}>>;`,
    );
    return refused(`type t0 = u8; ${pairs.join(' ')}`, /^the type 't12' is made of more than 10000 parts/);
  });
});

test('a name that is known elsewhere is missed where it is not', async () => {
  const wit = `package a:b;
interface types {
  record item { name: string }
  use-it: func(item: item) -> item;
}
world w {
  export names: func(all: list<item>);
}`;
  await assert.rejects(writtenAgent('', { wit }), (error: Error) => {
    assert.match(error.message, /^world\.wit:7:32: name `item` does not exist/);
    return true;
  });
});

describe('a world without what the SDK would use', () => {
  const wit = 'package test:bare; world w { export run: func(n: f64) -> f64; }';

  test('is built without any import', async () => {
    const { bytes } = await writtenAgent(
      'export function run(n: f64): f64 { assert(n > 0, "positive"); return n; }',
      { wit },
    );
    const { imports } = decodeComponent(bytes);
    assert.deepEqual([...imports.keys()], []);
  });

  for (const [what, code, wanted] of [
    ['console', 'console.log("x"); return n', 'motehost:agent/log'],
    ['Date', 'return <f64>Date.now()', 'wasi:clocks/wall-clock'],
    ['performance', 'return performance.now()', 'wasi:clocks/monotonic-clock'],
    ['Math.random', 'return Math.random()', 'wasi:random/random'],
  ] as const)
    test(`using ${what} says what to import`, async () => {
      await assert.rejects(writtenAgent(`export function run(n: f64): f64 { ${code}; }`, { wit }), {
        code: 'HOST_ERR_BUILD_FAILED',
        message: new RegExp(`${what}.* needs 'import ${wanted}@0\\.[12]\\.0;' in the world`),
      });
    });
});
