import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { worldTarget } from '../../../guest-sdk/build/target.ts';
import { witOf } from '../../../guest-sdk/build/wit-text.ts';
import { type Bindings, generateBindings } from '../../../guest-sdk/c/build/bindings.ts';
import { buildProgram } from '../../../guest-sdk/c/build/build-program.ts';
import { decodeComponent } from '../../../host/engine/component/decode.ts';
import { instantiateFast } from '../../../host/engine/fast-lane/fast-lane.ts';
import { planFastLane } from '../../../host/engine/fast-lane/plan.ts';
import type { Instance } from '../../../host/engine/instance.ts';
import { Linker } from '../../../host/engine/linker.ts';
import { budgetWith } from '../../engine/general-lane/lane.ts';
import { folderOf, skip, worldOf } from './c-project.ts';

async function run(source: string, wit: string, linker: Linker): Promise<Instance> {
  const target = await worldOf(wit, 'w');
  const folder = folderOf({ 'agent.c': source });
  const { bytes, warnings } = await buildProgram({ folder, entry: 'agent.c', target, release: true });
  assert.deepEqual(warnings, []);
  const plan = planFastLane(decodeComponent(bytes));
  assert.ok(!('refused' in plan), 'refused' in plan ? plan.refused : '');
  const { offset, length } = plan.module;
  const core = new WebAssembly.Module(bytes.slice(offset, offset + length));
  return instantiateFast(plan, core, linker, budgetWith());
}

const prototypes = ({ functions }: Bindings): string => functions.map((one) => one.prototype).join('\n');

describe('names in C', { skip }, () => {
  test("C's words, the library's and the glue's own get an underscore", async () => {
    const wit = `package test:names;
      interface pthread {
        record %int { %struct: u32, while: string, ret: bool, errno: u8 }
        variant %union { void, %static(u32), tag(string), in(%int) }
        enum %enum { default, null }
        flags volatile { if, else }
        create: func(%return: u32, ret: %int, err: %union) -> result<%union, volatile>;
      }
      interface %string {
        of: func() -> string;
        free: func(text: string) -> string;
        equals: func() -> %u8;
        record %u8 { a: u8 }
        bytes: func(x: list<%u8>) -> list<u8>;
      }
      world w {
        import pthread;
        import %string;
        use pthread.{%int};
        record size { %double: %int }
        export main: func(argc: size, v0: u32, a0: u32) -> size;
        export abort: func() -> string;
        export %register: func(%auto: %int) -> result<%int, string>;
      }`;
    const source = `#include "w.h"
      size_t_ exports_main(size_t_ *argc, uint32_t v0, uint32_t a0) {
        argc->double_.struct_ += v0 + a0;
        return TAKE(*argc);
      }
      string_t exports_abort(void) {
        pthread_union_t made;
        pthread_int_t ret = {.struct_ = 20, .while_ = string_of("text"), .ret = true, .errno_ = 7};
        pthread_union_t err = {PTHREAD_UNION_STATIC, {.static_ = 22}};
        pthread_volatile_t flags = 0;
        if (!pthread_create_(1, ret, err, &made, &flags)) return string_copy(flags == PTHREAD_VOLATILE_ELSE ? "else" : "?");
        pthread_union_free(&made);
        return string_free_(string_of("freed"));
      }
      bool exports_register(int_t *auto_, int_t *ret, string_t *err) { (void)err; *ret = TAKE(*auto_); return true; }`;
    const linker = new Linker()
      .define('test:names/pthread', {
        functions: { create: (_: number, ret: object) => ({ tag: 'in', val: ret }) },
        suspending: new Set(),
      })
      .define('test:names/string', {
        functions: { free: (text: string) => `${text}!` },
        suspending: new Set(),
      });
    const instance = await run(source, wit, linker);
    const value = { struct: 1, while: 't', ret: false, errno: 2 };
    assert.deepEqual(await instance.call('main', [{ double: value }, 2, 3]), {
      double: { ...value, struct: 6 },
    });
    assert.equal(await instance.call('abort', []), 'freed!');
    assert.deepEqual(await instance.call('register', [value]), { tag: 'ok', val: value });
  });

  test('interfaces of one name are told apart by package, then version; motehost:agent keeps the short name', async () => {
    const wit = `package test:names;
      world w { import a:one/log; import b:two/log; import b:three/store@1.0.0; import b:three/store@2.0.0; }
      package a:one { interface log { write: func(text: string); } }
      package b:two { interface log { write: func(text: string); } }
      package b:three@1.0.0 { interface store { get: func() -> u32; } }
      package b:three@2.0.0 { interface store { get: func() -> u32; } }`;
    const text = prototypes(
      generateBindings(
        await worldTarget(witOf(wit.replace('package test:names;', 'package test:names;\n')), 'w'),
      ),
    );
    for (const name of [
      'one_log_write',
      'two_log_write',
      'b_three_store_1_0_0_get',
      'b_three_store_2_0_0_get',
    ])
      assert.match(text, new RegExp(`\\b${name}\\(`));
  });

  test('an interface that is imported and exported has types of each side', async () => {
    const wit = `package test:names;
      interface both { record pair { a: u8, b: string } turn: func(x: pair) -> pair; }
      world w { import both; export both; }`;
    const source = `#include "w.h"
      exports_both_pair_t exports_both_turn(exports_both_pair_t *x) {
        both_pair_t turned = both_turn((both_pair_t){x->a, x->b});
        return (exports_both_pair_t){turned.a + 1, turned.b};
      }`;
    const linker = new Linker().define('test:names/both', {
      functions: { turn: ({ a, b }: { a: number; b: string }) => ({ a: a * 2, b: `${b}${b}` }) },
      suspending: new Set(),
    });
    const instance = await run(source, wit, linker);
    assert.deepEqual(await instance.call('test:names/both#turn', [{ a: 20, b: 'x' }]), { a: 41, b: 'xx' });
  });
});
