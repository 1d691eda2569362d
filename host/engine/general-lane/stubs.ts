import type { Component } from '../component/component.ts';
import { Reader } from '../component/reader.ts';
import { Writer } from '../meter/writer.ts';
import { coreStub } from './core-stub.ts';

/** A component whose core modules are stubs, and the modules by the number in their stub. */
export interface Stubbed {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly modules: readonly Uint8Array<ArrayBuffer>[];
}

/**
 * Puts a stub in place of every core module of a component and of those inside it. The transpiler joins modules
 * by their imports and exports, but its validator refuses code with exceptions, garbage collection and other
 * features that the engine runs; so it never sees the code.
 */
export function stubModules(component: Component): Stubbed {
  const modules: Uint8Array<ArrayBuffer>[] = [];
  const out = new Writer(4096);
  writeComponent(out, new Reader(component.bytes, 0, component.bytes.length), component, modules);
  return { bytes: out.finish(), modules };
}

const headerBytes = 8;

function writeComponent(
  out: Writer,
  reader: Reader,
  component: Component,
  modules: Uint8Array<ArrayBuffer>[],
): void {
  const defined = component.modules
    .flatMap((module) => (module.kind === 'defined' ? [module] : []))
    [Symbol.iterator]();
  const inner = component.components[Symbol.iterator]();
  const tags = new TagsAsGlobals();
  out.copy(reader.bytes, reader.offset, reader.offset + headerBytes);
  reader.offset += headerBytes;
  while (!reader.done) {
    const id = reader.byte();
    const body = reader.slice(reader.u32());
    out.byte(id);
    const start = out.openSized();
    if (id === 1) {
      const { bytes, offset, length, shape } = next(defined);
      const stub = coreStub(shape, modules.length);
      modules.push(new Uint8Array(bytes.subarray(offset, offset + length)));
      out.copy(stub, 0, stub.length);
    } else if (id === 4) writeComponent(out, body, next(inner), modules);
    else if (id === 2) tags.coreInstances(out, body);
    else if (id === 6) tags.aliases(out, body);
    else out.copy(body.bytes, body.offset, body.end);
    out.closeSized(start);
  }
}

function next<T>(items: Iterator<T>): T {
  const { done, value } = items.next();
  if (done === true) throw new Error('bug: the component has more parts than were decoded');
  return value as T;
}

const globalSort = 3;
const tagSort = 4;

/** Stubs have globals in place of tags; here the component's own words for tags become those for globals. */
class TagsAsGlobals {
  /** By sort: where each global and each tag of the component is among the stubs' globals. */
  readonly #places: Readonly<Record<number, number[]>> = { [globalSort]: [], [tagSort]: [] };
  #count = 0;

  aliases(out: Writer, body: Reader): void {
    const from = body.offset;
    const count = body.u32();
    out.copy(body.bytes, from, body.offset);
    for (let left = count; left > 0; left -= 1) {
      const isCore = body.peek() === 0;
      out.byte(body.byte());
      const sort = isCore ? body.byte() : undefined;
      const target = body.byte();
      const places = target === 1 && sort !== undefined ? this.#places[sort] : undefined;
      places?.push(this.#count++);
      if (sort !== undefined) out.byte(places === undefined ? sort : globalSort);
      out.byte(target);
      const rest = body.offset;
      body.u32();
      if (target === 2) body.u32();
      else body.name();
      out.copy(body.bytes, rest, body.offset);
    }
  }

  coreInstances(out: Writer, body: Reader): void {
    const count = body.u32();
    out.u32(count);
    for (let left = count; left > 0; left -= 1) {
      const form = body.byte();
      out.byte(form);
      if (form === 0) copyInstantiation(out, body);
      else this.#inline(out, body);
    }
  }

  #inline(out: Writer, body: Reader): void {
    const count = body.u32();
    out.u32(count);
    for (let left = count; left > 0; left -= 1) {
      out.name(body.name());
      const sort = body.byte();
      const index = body.u32();
      const place = this.#places[sort]?.[index];
      out.byte(place === undefined ? sort : globalSort);
      out.u32(place ?? index);
    }
  }
}

function copyInstantiation(out: Writer, body: Reader): void {
  const from = body.offset;
  body.u32();
  for (let left = body.u32(); left > 0; left -= 1) {
    body.name();
    body.byte();
    body.u32();
  }
  out.copy(body.bytes, from, body.offset);
}
