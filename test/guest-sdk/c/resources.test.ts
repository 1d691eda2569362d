import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { buildProgram } from '../../../guest-sdk/c/build/build-program.ts';
import { stopTranspiler } from '../../../host/engine/general-lane/transpile.ts';
import type { Instance } from '../../../host/engine/instance.ts';
import { Linker, WitError } from '../../../host/engine/linker.ts';
import { onGeneralLane } from '../../support/lanes.ts';
import { counter, countFlags, folderOf, skip, worldOf } from './c-project.ts';

const wit = `package test:lib@0.1.0;
interface shelf {
  resource book {
    constructor(title: string);
    find: static func(title: string) -> result<book, string>;
    title: func() -> string;
    same: func(other: borrow<book>) -> bool;
    bind: func(other: book) -> string;
    /// Has the name of what the glue calls giving a handle back.
    drop: func() -> string;
  }
  titles: func(all: list<borrow<book>>) -> option<string>;
  pair: func() -> tuple<book, book>;
}
interface desk {
  use shelf.{book};
  record slip { name: string, reader: reader }
  resource reader {
    constructor(age: u32);
    birthday: func() -> result<u32, string>;
    older: static func(a: borrow<reader>, b: reader) -> reader;
    book: func() -> book;
  }
  issue: func(name: string, age: u32) -> slip;
  give-back: func(slip: slip) -> string;
  keep: func(slip: slip);
  ages: func(all: list<borrow<reader>>) -> list<u32>;
}
world w {
  import shelf;
  use shelf.{book};
  export desk;
  export visit: func(one: borrow<book>) -> string;
  export visit-all: func(all: list<borrow<book>>) -> string;
  export leave: func(one: book) -> string;
  export hold: func(one: option<book>);
  export use-all: func() -> string;
  export disposed: func() -> u32;
  export live: func() -> s32;
}`;

const source = `#include "w.h"
${counter}
static unsigned disposed;
static book_t held;
static desk_reader_own_t kept;

struct desk_reader { uint32_t age; };
static desk_reader_t *reader_of(uint32_t age) {
  desk_reader_t *self = malloc(sizeof *self);
  self->age = age;
  return self;
}
desk_reader_t *exports_desk_reader_new(uint32_t age) { return reader_of(age); }
void exports_desk_reader_drop(desk_reader_t *self) { disposed++; free(self); }
bool exports_desk_reader_birthday(desk_reader_t *self, uint32_t *ret, string_t *err) {
  if (self->age < 100) { *ret = ++self->age; return true; }
  *err = string_copy("enough");
  return false;
}
desk_reader_own_t exports_desk_reader_older(desk_reader_t *a, desk_reader_own_t *b) {
  return desk_reader_own_new(reader_of(a->age + desk_reader_own_rep(*b)->age));
}
shelf_book_t exports_desk_reader_book(desk_reader_t *self) {
  string_t title = string_format("at %u", self->age);
  shelf_book_t book = shelf_book_new(title);
  string_free(&title);
  return book;
}
desk_slip_t exports_desk_issue(string_t *name, uint32_t age) {
  return (desk_slip_t){TAKE(*name), desk_reader_own_new(reader_of(age))};
}
string_t exports_desk_give_back(desk_slip_t *slip) {
  return string_format("%.*s=%u", STRING_ARGS(slip->name), desk_reader_own_rep(slip->reader)->age);
}
void exports_desk_keep(desk_slip_t *slip) { kept = TAKE(slip->reader); }
list_u32_t exports_desk_ages(list_desk_reader_borrow_t *all) {
  list_u32_t ages = {malloc(all->len * 4), all->len};
  for (size_t i = 0; i < all->len; i++) ages.ptr[i] = all->ptr[i]->age;
  return ages;
}
string_t exports_visit(book_t one) { return shelf_book_title(one); }
string_t exports_visit_all(list_shelf_book_borrow_t *all) {
  string_t text = {0};
  for (size_t i = 0; i < all->len; i++) {
    string_t title = shelf_book_title(all->ptr[i]);
    string_append(&text, title);
    string_append(&text, string_of(";"));
    string_free(&title);
  }
  return text;
}
string_t exports_leave(book_t *one) { return shelf_book_title(*one); }
void exports_hold(option_shelf_book_t *one) {
  if (held.handle != 0) shelf_book_drop(TAKE(held));
  if (one->is_some) held = TAKE(one->val);
}
string_t exports_use_all(void) {
  shelf_book_t a = shelf_book_new(string_of("a")), b;
  string_t error, text = {0};
  shelf_book_find(string_of("b"), &b, NULL);
  bool found = shelf_book_find(string_of(""), NULL, &error);
  shelf_book_find(string_of("unwanted"), NULL, NULL);
  tuple2_shelf_book_shelf_book_t both = shelf_pair();
  shelf_book_t list[] = {a, b};
  option_string_t titles = shelf_titles((list_shelf_book_borrow_t){list, 2});
  string_t word = shelf_book_drop_(a), bound = shelf_book_bind(a, b);
  text = string_format("%d,%.*s,%d,%d,%.*s,%.*s,%.*s", found, STRING_ARGS(error), shelf_book_same(a, a),
                       shelf_book_same(a, both.f0), STRING_ARGS(titles.val), STRING_ARGS(word), STRING_ARGS(bound));
  string_free(&error);
  option_string_free(&titles);
  string_free(&word);
  string_free(&bound);
  shelf_book_drop(a);
  tuple2_shelf_book_shelf_book_free(&both);
  return text;
}
uint32_t exports_disposed(void) { return disposed; }
int32_t exports_live(void) { return live_blocks; }
`;

const dropped: string[] = [];

class Book {
  readonly #title: string;
  constructor(title: string) {
    this.#title = title;
  }
  static find(title: string): Book {
    if (title === '') throw new WitError('no title');
    return new Book(title);
  }
  title(): string {
    return this.#title;
  }
  same(other: Book): boolean {
    return other === this;
  }
  bind(other: Book): string {
    return `${this.#title}+${other.#title}`;
  }
  drop(): string {
    return 'by name';
  }
  [Symbol.dispose](): void {
    dropped.push(this.#title);
  }
}

const linker = new Linker().define('test:lib/shelf@0.1.0', {
  functions: {
    Book,
    titles: (all: Book[]) => all.map((one) => one.title()).join('&'),
    pair: () => [new Book('left'), new Book('right')],
  },
  suspending: new Set(),
});

const member = (name: string): string => `test:lib/desk@0.1.0#${name}`;

describe('resources in C', { skip }, () => {
  let instance: Instance;

  before(async () => {
    const target = await worldOf(wit, 'w');
    const folder = folderOf({ 'agent.c': source });
    const { bytes, warnings } = await buildProgram({
      folder,
      entry: 'agent.c',
      target,
      release: false,
      linkFlags: countFlags,
    });
    assert.deepEqual(warnings, []);
    instance = await onGeneralLane(bytes, linker);
  });
  after(stopTranspiler);

  /** @param objects readers that the call leaves behind, less those it ends */
  async function call(name: string, args: readonly unknown[] = [], objects = 0): Promise<unknown> {
    const blocks = (await instance.call('live', [])) as number;
    const answer = await instance.call(name, args);
    assert.equal(await instance.call('live', []), blocks + objects, `${name}: blocks`);
    return answer;
  }

  test("the host's are made, asked, lent, given away and dropped; results that nobody wants are freed", async () => {
    dropped.length = 0;
    assert.equal(await call('use-all'), '0,no title,1,0,a&b,by name,a+b');
    assert.deepEqual(dropped.toSorted(), ['a', 'left', 'right', 'unwanted']);
  });

  test('what is lent goes back when the call ends, alone and in a list', async () => {
    dropped.length = 0;
    const [one, two] = [new Book('one'), new Book('two')];
    assert.equal(await call('visit', [one]), 'one');
    assert.equal(await call('visit-all', [[one, two]]), 'one;two;');
    assert.equal(await call('visit', [one]), 'one');
    assert.deepEqual(dropped, []);
  });

  test('what is given is dropped after the call, unless it is taken', async () => {
    dropped.length = 0;
    assert.equal(await call('leave', [new Book('left behind')]), 'left behind');
    assert.deepEqual(dropped, ['left behind']);
    await call('hold', [new Book('held')]);
    assert.deepEqual(dropped, ['left behind']);
    await call('hold', [undefined]);
    assert.deepEqual(dropped, ['left behind', 'held']);
  });

  test("the agent's live while the host has a handle, and are told when it has none", async () => {
    const before = (await call('disposed')) as number;
    const reader = (await call(member('[constructor]reader'), [99], 1)) as Disposable;
    assert.deepEqual(await call(member('[method]reader.birthday'), [reader]), { tag: 'ok', val: 100 });
    assert.deepEqual(await call(member('[method]reader.birthday'), [reader]), { tag: 'err', val: 'enough' });
    reader[Symbol.dispose]();
    assert.equal(await call('disposed'), before + 1);
  });

  test("the agent's come back: lent as objects, given as handles that it drops or takes", async () => {
    const before = (await call('disposed')) as number;
    const [a, b] = [
      await call(member('[constructor]reader'), [1], 1),
      await call(member('[constructor]reader'), [2], 1),
    ];
    const sum = await call(member('[static]reader.older'), [a, b]);
    assert.equal(await call('disposed'), before + 1);
    assert.deepEqual(await call(member('ages'), [[sum, a]]), new Uint32Array([3, 1]));
    const slip = await call(member('issue'), ['x', 7], 1);
    assert.equal(await call(member('give-back'), [slip], -1), 'x=7');
    assert.equal(await call('disposed'), before + 2);
    await call(member('keep'), [await call(member('issue'), ['y', 8], 1)]);
    assert.equal(await call('disposed'), before + 2);
  });

  test("one of the agent's gives out one of the host's", async () => {
    const reader = await call(member('[constructor]reader'), [4], 1);
    assert.equal(((await call(member('[method]reader.book'), [reader])) as Book).title(), 'at 4');
  });
});
