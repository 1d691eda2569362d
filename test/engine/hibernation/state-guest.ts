import { prepareProgram } from '../../../host/engine/prepare.ts';
import { loadProgram, type Program } from '../../../host/engine/program.ts';
import { buildComponent } from '../../support/component-tools.ts';

/**
 * A guest with state of every kind: a counter in a global, another in memory, data segments, an f64 global,
 * memory that it grows, a table, and a start function that leaves a mark.
 */
const core = `(module
  (type $get (func (result i32)))
  (import "$root" "ask" (func $ask (param i32) (result i32)))
  (memory (export "memory") 1)
  (global $count (mut i32) (i32.const 0))
  (global $share (mut f64) (f64.const 0.5))
  (global $large (mut i64) (i64.const -1))
  (table funcref (elem $seven $eight))
  (data (i32.const 100) "\\2a")
  (data (i32.const 60000) "\\07")
  (func $seven (result i32) (i32.const 7))
  (func $eight (result i32) (i32.const 8))
  (func $begin (i32.store (i32.const 200) (i32.const 11)))
  (start $begin)
  (func (export "add") (param i32) (result i32)
    (global.set $count (i32.add (global.get $count) (local.get 0)))
    (global.set $share (f64.mul (global.get $share) (f64.const 0.5)))
    (global.set $large (i64.sub (global.get $large) (i64.const 1)))
    (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (local.get 0)))
    (i32.add (global.get $count) (i32.load (i32.const 8))))
  (func (export "share") (result f64) (global.get $share))
  (func (export "large") (result i64) (global.get $large))
  (func (export "peek") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "poke") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "pages") (result i32) (memory.size))
  (func (export "pick") (param i32) (result i32) (call_indirect (type $get) (local.get 0)))
  (func (export "consult") (param i32) (result i32) (call $ask (local.get 0)))
  (func (export "trap") unreachable)
)`;

const wit = `package test:state;
world guest {
  import ask: func(n: u32) -> u32;
  export add: func(n: u32) -> u32;
  export share: func() -> f64;
  export large: func() -> s64;
  export peek: func(at: u32) -> u32;
  export poke: func(at: u32, value: u32);
  export grow: func(pages: u32) -> s32;
  export pages: func() -> u32;
  export pick: func(n: u32) -> u32;
  export consult: func(n: u32) -> u32;
  export trap: func();
}`;

export async function programFrom(coreText: string, witText: string): Promise<Program> {
  const component = await buildComponent(coreText, witText, 'guest');
  return loadProgram(await prepareProgram(new Uint8Array(component), () => {}));
}

export const stateProgram = (): Promise<Program> => programFrom(core, wit);

/** The same with another first data byte: another program. */
export const otherProgram = (): Promise<Program> => programFrom(core.replace('\\2a', '\\2b'), wit);

/** The same, but it changes its table. */
export const tableProgram = (): Promise<Program> =>
  programFrom(
    core.replace(
      '(func (export "trap") unreachable)',
      '(func (export "trap") (table.set (i32.const 0) (ref.func $eight)))',
    ),
    wit,
  );
