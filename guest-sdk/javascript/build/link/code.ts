import {
  immediate,
  immediates,
  skipMemoryArgument,
  skipVectorImmediates,
} from '../../../../host/engine/meter/opcodes.ts';
import { Reader } from '../../../../host/engine/meter/reader.ts';
import type { Writer } from '../../../../host/engine/meter/writer.ts';

/** From a module's own indices to those of the module it becomes part of. Memory and table are 0 in both. */
export interface Renumbering {
  readonly types: readonly number[];
  readonly functions: readonly number[];
  readonly globals: readonly number[];
}

const opcode = {
  unreachable: 0x00,
  block: 0x02,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  returnCall: 0x12,
  returnCallIndirect: 0x13,
  typedSelect: 0x1c,
  memoryGrow: 0x40,
  refNull: 0xd0,
  refFunc: 0xd2,
  misc: 0xfc,
  vector: 0xfd,
} as const;

const bulk = { saturatingMax: 7, memoryCopy: 10, memoryFill: 11 } as const;

/** Writes a function body, locals included, with its indices replaced. */
export function renumberCode(
  bytes: Uint8Array,
  body: { readonly start: number; readonly end: number },
  to: Renumbering,
  out: Writer,
): void {
  new BodyCopy(new Reader(bytes, body.start, body.end), to, out).run();
}

class BodyCopy {
  readonly #reader: Reader;
  readonly #to: Renumbering;
  readonly #out: Writer;
  /** Everything between two replaced indices is copied as it is. */
  #copied: number;

  constructor(reader: Reader, to: Renumbering, out: Writer) {
    this.#reader = reader;
    this.#to = to;
    this.#out = out;
    this.#copied = reader.pos;
  }

  run(): void {
    const reader = this.#reader;
    for (let groups = reader.count(); groups > 0; groups -= 1) {
      reader.u32();
      reader.skip(1);
    }
    while (!reader.done) this.#operator(reader.byte());
    this.#flush();
  }

  #operator(code: number): void {
    const reader = this.#reader;
    switch (immediates[code]) {
      case immediate.none:
        return;
      case immediate.leb:
      case immediate.local:
      case immediate.constant:
        return this.#skipLeb();
      case immediate.memory:
        reader.pos = skipMemoryArgument(reader.bytes, reader.pos);
        return;
      case immediate.bytes4:
        return reader.skip(4);
      case immediate.bytes8:
        return reader.skip(8);
      case immediate.global:
        return this.#replace(this.#to.globals);
      default:
        return this.#special(code);
    }
  }

  #special(code: number): void {
    const reader = this.#reader;
    switch (code) {
      case opcode.unreachable:
      case opcode.else:
      case opcode.end:
      case opcode.return:
        return;
      case opcode.br:
      case opcode.brIf:
      case opcode.memoryGrow:
        return this.#skipLeb();
      case opcode.brTable:
        for (let targets = reader.count(); targets >= 0; targets -= 1) this.#skipLeb();
        return;
      case opcode.call:
      case opcode.returnCall:
      case opcode.refFunc:
        return this.#replace(this.#to.functions);
      case opcode.callIndirect:
      case opcode.returnCallIndirect:
        this.#replace(this.#to.types);
        return this.#skipLeb();
      case opcode.typedSelect:
        return reader.skip(reader.count());
      case opcode.refNull:
        return reader.skip(1);
      case opcode.misc:
        return this.#bulk(reader.u32());
      case opcode.vector:
        return skipVectorImmediates(reader, reader.u32());
      default:
        if (code < opcode.block || code > opcode.if) throw unknown(code);
        return this.#blockType();
    }
  }

  /** One negative byte, or the index of a function type as a signed number. */
  #blockType(): void {
    if ((this.#reader.peek() & 0xc0) === 0x40) return this.#reader.skip(1);
    this.#flush();
    this.#out.signed(this.#to.types[this.#reader.signed(33)] as number);
    this.#copied = this.#reader.pos;
  }

  #bulk(code: number): void {
    if (code <= bulk.saturatingMax) return;
    // The others name data segments or tables, and segments are put together in another order.
    if (code !== bulk.memoryCopy && code !== bulk.memoryFill) throw unknown(code);
    this.#reader.skip(code === bulk.memoryCopy ? 2 : 1);
  }

  #replace(indices: readonly number[]): void {
    this.#flush();
    this.#out.u32(indices[this.#reader.u32()] as number);
    this.#copied = this.#reader.pos;
  }

  #flush(): void {
    this.#out.copy(this.#reader.bytes, this.#copied, this.#reader.pos);
  }

  #skipLeb(): void {
    while (this.#reader.byte() >= 0x80);
  }
}

function unknown(code: number): Error {
  return new Error(`bug: the JavaScript engine uses operator 0x${code.toString(16)}`);
}
