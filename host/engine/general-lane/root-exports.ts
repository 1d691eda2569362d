import type { Component } from '../component/component.ts';
import { readExternName } from '../component/decode-type.ts';
import { Reader } from '../component/reader.ts';
import { Writer } from '../meter/writer.ts';

/** What the transpiler has to be told in place of the name of an exported function: it fails for names with capitals. */
export function rootFunctionName(name: string): string {
  return name.toLowerCase();
}

/**
 * Puts what a component exports by itself into forms that the transpiler takes: names of functions without
 * capitals (names differ by more than those), and each type in an exported instance of its own. What comes after
 * a type refers to it by way of that instance. `bytes` are those of `component`, whatever its core modules.
 */
export function adaptRootExports(
  component: Component,
  bytes: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const isOdd = [...component.exports].some(
    ([name, { item }]) => item.sort === 'type' || (item.sort === 'func' && name !== rootFunctionName(name)),
  );
  return isOdd ? new RootExports(bytes).write() : bytes;
}

const headerBytes = 8;
const section = { instances: 5, aliases: 6, imports: 10, exports: 11 } as const;
const sort = { core: 0, func: 1, type: 3, instance: 5 } as const;
const fromExport = 0;

class RootExports {
  readonly #reader: Reader;
  readonly #out: Writer;
  /** Where each instance of the component is now. */
  readonly #instances: number[] = [];
  #instanceCount = 0;
  #moved = 0;

  constructor(bytes: Uint8Array) {
    this.#reader = new Reader(bytes, 0, bytes.length);
    this.#out = new Writer(bytes.length + 256);
  }

  write(): Uint8Array<ArrayBuffer> {
    const reader = this.#reader;
    this.#out.copy(reader.bytes, 0, headerBytes);
    reader.offset = headerBytes;
    while (!reader.done) {
      const id = reader.byte();
      const body = reader.slice(reader.u32());
      if (id === section.exports) this.#exports(body);
      else this.#section(id, () => this.#content(id, body));
    }
    return this.#out.finish();
  }

  #section(id: number, write: () => void): void {
    this.#out.byte(id);
    const start = this.#out.openSized();
    write();
    this.#out.closeSized(start);
  }

  #content(id: number, body: Reader): void {
    const each =
      id === section.instances
        ? () => this.#instance(body)
        : id === section.aliases
          ? () => this.#alias(body)
          : id === section.imports
            ? () => this.#import(body)
            : undefined;
    if (each === undefined) {
      this.#out.copy(body.bytes, body.offset, body.end);
      return;
    }
    const count = body.u32();
    this.#out.u32(count);
    for (let left = count; left > 0; left -= 1) each();
  }

  /** The component has one more instance, which is the next of those that are written. */
  #addInstance(): void {
    this.#instances.push(this.#instanceCount);
    this.#instanceCount += 1;
  }

  #copy(from: number, reader: Reader): void {
    this.#out.copy(reader.bytes, from, reader.offset);
  }

  #import(body: Reader): void {
    const from = body.offset;
    readExternName(body);
    if (skipType(body) === sort.instance) this.#addInstance();
    this.#copy(from, body);
  }

  #instance(body: Reader): void {
    const from = body.offset;
    const isInline = body.byte() === 1;
    if (!isInline) body.u32();
    const count = body.u32();
    this.#copy(from, body);
    for (let left = count; left > 0; left -= 1) {
      const name = body.offset;
      if (isInline) readExternName(body);
      else body.name();
      this.#copy(name, body);
      this.#item(body);
    }
    this.#addInstance();
  }

  /** `sortidx`; gives the sort. */
  #item(body: Reader): number {
    const from = body.offset;
    const of = body.byte();
    if (of === sort.core) body.byte();
    this.#copy(from, body);
    const index = body.u32();
    this.#out.u32(of === sort.instance ? this.#at(index) : index);
    return of;
  }

  #at(instance: number): number {
    const at = this.#instances[instance];
    if (at === undefined) throw new Error(`bug: the component has no instance ${instance}`);
    return at;
  }

  #alias(body: Reader): void {
    const from = body.offset;
    const of = body.byte();
    if (of === sort.core) body.byte();
    const target = body.byte();
    this.#copy(from, body);
    const index = body.u32();
    this.#out.u32(target === fromExport ? this.#at(index) : index);
    const rest = body.offset;
    if (target === 2) body.u32();
    else body.name();
    this.#copy(rest, body);
    if (of === sort.instance) this.#addInstance();
  }

  /** One section becomes several, so that types and other exports keep their order. */
  #exports(body: Reader): void {
    for (let left = body.u32(); left > 0; left -= 1) {
      const from = body.offset;
      const { name: text } = readExternName(body);
      const name = body.bytes.subarray(from, body.offset);
      if (body.peek() === sort.type) this.#exportType(body, name);
      else this.#section(section.exports, () => this.#export(body, name, text));
    }
  }

  #export(body: Reader, name: Uint8Array, text: string): void {
    this.#out.u32(1);
    if (body.peek() === sort.func) {
      this.#out.byte(0);
      this.#out.name(rootFunctionName(text));
    } else this.#out.copy(name, 0, name.length);
    const of = this.#item(body);
    const from = body.offset;
    if (body.byte() === 1) skipType(body);
    this.#copy(from, body);
    if (of === sort.instance) this.#addInstance();
  }

  #exportType(body: Reader, name: Uint8Array): void {
    const out = this.#out;
    body.byte();
    const type = body.u32();
    if (body.byte() === 1) skipType(body);
    const bag = this.#instanceCount;
    this.#instanceCount += 2;
    this.#section(section.instances, () => {
      out.raw(1, 1, 1);
      out.copy(name, 0, name.length);
      out.byte(sort.type);
      out.u32(type);
    });
    this.#section(section.exports, () => {
      out.raw(1, 0);
      out.name(`motehost:root/t${this.#moved}`);
      out.byte(sort.instance);
      out.u32(bag);
      out.byte(0);
    });
    this.#section(section.aliases, () => {
      out.raw(1, sort.type, fromExport);
      out.u32(bag + 1);
      out.name(new Reader(name, 1, name.length).name());
    });
    this.#moved += 1;
  }
}

/** Passes over an `externtype`; gives its sort. */
function skipType(body: Reader): number {
  const of = body.byte();
  if (of === sort.core) body.byte();
  if (of === sort.type && body.byte() === 1) return of;
  body.u32();
  return of;
}
