import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco-transpile/wasm-tools';

/** A component from core WAT and WIT text, the way guests are built: embed the world, then wrap. */
export async function buildComponent(
  wat: string,
  witSource: string,
  world: string,
  stringEncoding: 'utf8' | 'utf16' | 'compact-utf16' = 'utf8',
): Promise<Uint8Array> {
  const binary = await parse(wat);
  return await componentNew(await componentEmbed({ binary, witSource, world, stringEncoding }), []);
}

/** Any component or core module from its own text. */
export async function assemble(wat: string): Promise<Uint8Array> {
  return await parse(wat);
}

/** A core module that only carries a world: the `component-type` section as tools write it. */
export async function embedWorld(witSource: string, world: string): Promise<Uint8Array> {
  return await componentEmbed({ dummy: true, witSource, world });
}

/** `cabi_realloc` that only goes forward, and `reset` to begin again; for guests written in WAT. */
export const bumpAllocator: string = `
  (global $heap (mut i32) (i32.const 65536))
  (func $realloc (export "cabi_realloc") (param $old i32) (param $oldSize i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and
      (i32.add (global.get $heap) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (global.set $heap (i32.add (local.get $at) (local.get $size)))
    (block $fits
      (loop $grow
        (br_if $fits (i32.le_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536))))
        (if (i32.lt_s (memory.grow (i32.const 16)) (i32.const 0)) (then unreachable))
        (br $grow)))
    (local.get $at))
  (func $reset (global.set $heap (i32.const 65536)))`;
