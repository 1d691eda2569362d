import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demangled } from '../../host/cli/demangle.ts';

const names: Readonly<Record<string, string>> = {
  'recurse-f58353f96087514d.wasm._ZN7recurse1f17h96ad1d10c9500b3eE': 'recurse::f',
  _ZN3std2rt10lang_start28_$u7b$$u7b$closure$u7d$$u7d$17hcaa3005f3835fc96E:
    'std::rt::lang_start::{{closure}}',
  '_ZN50_$LT$T$u20$as$u20$core..convert..Into$LT$U$GT$$GT$4into17h0123456789abcdefE':
    '<T as core::convert::Into<U>>::into',
  'panics-48c62bd7b1207db3.wasm._RNvNtNtNtCs9WTTl2hik6c_3std3sys3pal4wasi14abort_internal':
    'std::sys::pal::wasi::abort_internal',
  _RNvCsfgHYwM92fyn_7___rustc10rust_panic: '__rustc::rust_panic',
  _RNCNvNtCs9WTTl2hik6c_3std9panicking13panic_handler0B5_: 'std::panicking::panic_handler::{closure}',
  _RINvNtNtCs9WTTl2hik6c_3std3sys9backtrace26___rust_end_short_backtraceNCNvNtB6_9panicking13panic_handler0zEB6_:
    'std::sys::backtrace::__rust_end_short_backtrace',
  _RNvXs_Cs1234_7mycrateNtB4_3FooNtNtCs3_4core3fmt7Display3fmt: '<mycrate::Foo as core::fmt::Display>::fmt',
  _RNvMNtCs1_5alloc3vecINtB2_3VechE4push: '<alloc::vec::Vec>::push',
};

test('functions of Rust are shown as their programmers know them', () => {
  for (const [mangled, shown] of Object.entries(names)) assert.equal(demangled(mangled), shown);
});

test('what is not mangled, cut off or nonsense is shown as it is, and in bounded time', () => {
  const endless = `_RN${'v'.padEnd(20_000, 'N')}`;
  const circle = '_RNvB_1a';
  for (const name of [
    'main',
    'a.b',
    '',
    '_R',
    '_ZN',
    '_ZN9abE',
    '_ZN1',
    '_Rubbish',
    '_RNvC',
    endless,
    circle,
  ])
    assert.equal(demangled(name), name);
  for (const mangled of Object.keys(names))
    for (let cut = 1; cut < mangled.length; cut += 1)
      assert.equal(typeof demangled(mangled.slice(0, -cut)), 'string');
});
