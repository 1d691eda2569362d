import { wasmtimeCosts } from '../../host/engine/meter/costs.ts';
import type { ModuleParts } from '../../host/engine/meter/module.ts';
import { gcImmediates, immediate, immediates, vectorLayout } from '../../host/engine/meter/opcodes.ts';
import { Reader } from '../../host/engine/meter/reader.ts';
import { readModule, sectionOrder } from '../../host/engine/meter/sections.ts';
import { readHeapType, readValueType } from '../../host/engine/meter/types.ts';
import { Writer } from '../../host/engine/meter/writer.ts';

/** The name under which `naiveMeter` exports its counter, which counts up from 0. */
export const naiveFuel = 'naive/fuel';

const free = new Set([0x00, 0x01, 0x02, 0x03, 0x05, 0x0b, 0x0f, 0x18, 0x1a]);
const handlers = new Set([0x07, 0x19]);
const lengthMisc = new Set([8, 10, 11, 12, 14, 15, 17]);
const lengthArray = new Set([6, 7, 9, 10, 16, 17, 18, 19]);

/**
 * The slowest and plainest way to count: one addition to a global before every single operator, with no idea
 * of blocks. What the real rewriter counts must be the same for every run that ends. No tests, no limits.
 */
export function naiveMeter(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const parts = readModule(bytes, wasmtimeCosts);
  const made = new Map<number, Writer>([
    [
      1,
      extended(parts, 1, parts.types.groups, (writer) => writer.raw(...signatures.flat()), signatures.length),
    ],
    [3, extended(parts, 3, parts.code.count, (writer) => writer.raw(...helperTypes(parts)), 2)],
    [6, extended(parts, 6, defined(parts.globals), (writer) => writer.raw(0x7e, 1, 0x42, 0, 0x0b), 1)],
    [7, extended(parts, 7, parts.exports.length, (writer) => exportCounter(writer, parts), 1)],
    [10, naiveCode(parts)],
  ]);
  return assemble(parts, made);
}

const signatures = [
  [0x60, 1, 0x7f, 1, 0x7f],
  [0x60, 1, 0x7e, 1, 0x7e],
];

const defined = (entries: readonly { readonly imported: boolean }[]): number =>
  entries.filter(({ imported }) => !imported).length;

function helperTypes(parts: ModuleParts): number[] {
  const writer = new Writer(16);
  writer.u32(parts.types.count);
  writer.u32(parts.types.count + 1);
  return [...writer.finish()];
}

function exportCounter(writer: Writer, parts: ModuleParts): void {
  writer.name(naiveFuel);
  writer.byte(3);
  writer.u32(parts.globals.length);
}

function extended(
  parts: ModuleParts,
  id: number,
  count: number,
  append: (writer: Writer) => void,
  more: number,
): Writer {
  const writer = new Writer(1024);
  writer.u32(count + more);
  const section = parts.sections.find((entry) => entry.id === id);
  if (section !== undefined) {
    const reader = new Reader(parts.bytes, section.start, section.end);
    reader.u32();
    writer.copy(parts.bytes, reader.pos, section.end);
  }
  append(writer);
  return writer;
}

function assemble(parts: ModuleParts, made: ReadonlyMap<number, Writer>): Uint8Array<ArrayBuffer> {
  const writer = new Writer(parts.bytes.length * 4 + 1024);
  writer.copy(parts.bytes, 0, 8);
  for (const id of sectionOrder) {
    const section = parts.sections.find((entry) => entry.id === id);
    const content = made.get(id);
    if (content === undefined && section === undefined) continue;
    writer.byte(id);
    if (content !== undefined) {
      writer.u32(content.length);
      writer.append(content);
    } else if (section !== undefined) {
      writer.u32(section.end - section.start);
      writer.copy(parts.bytes, section.start, section.end);
    }
  }
  return writer.finish();
}

function naiveCode(parts: ModuleParts): Writer {
  const writer = new Writer(parts.bytes.length * 4 + 1024);
  const { code } = parts;
  writer.u32(code.count + 2);
  for (let body = 0; body < code.count; body += 1)
    naiveBody(writer, parts, code.starts[body] as number, code.ends[body] as number);
  for (const wide of [false, true]) {
    const sized = writer.openSized();
    writer.byte(0);
    writer.byte(0x23);
    writer.u32(parts.globals.length);
    writer.raw(0x20, 0, ...(wide ? [] : [0xad]), 0x7c, 0x24);
    writer.u32(parts.globals.length);
    writer.raw(0x20, 0, 0x0b);
    writer.closeSized(sized);
  }
  return writer;
}

function count(writer: Writer, parts: ModuleParts): void {
  writer.byte(0x23);
  writer.u32(parts.globals.length);
  writer.raw(0x42, 1, 0x7c, 0x24);
  writer.u32(parts.globals.length);
}

function naiveBody(writer: Writer, parts: ModuleParts, start: number, end: number): void {
  const sized = writer.openSized();
  const reader = new Reader(parts.bytes, start, end);
  const groups = reader.u32();
  for (let group = 0; group < groups; group += 1) {
    reader.u32();
    readValueType(reader);
  }
  writer.copy(parts.bytes, start, reader.pos);
  count(writer, parts);
  while (!reader.done) {
    const from = reader.pos;
    const opcode = reader.byte();
    const helper = skipImmediates(reader, opcode, parts);
    if (!free.has(opcode) && !handlers.has(opcode)) count(writer, parts);
    if (helper >= 0) {
      writer.byte(0x10);
      writer.u32(parts.functions.length + helper);
    }
    writer.copy(parts.bytes, from, reader.pos);
    if (handlers.has(opcode)) count(writer, parts);
  }
  writer.closeSized(sized);
}

/** Skips an operator's immediates; 0 or 1 names the helper that counts a length on the stack, -1 none. */
function skipImmediates(reader: Reader, opcode: number, parts: ModuleParts): number {
  const kind = immediates[opcode];
  if (kind === immediate.bytes4) reader.skip(4);
  else if (kind === immediate.bytes8) reader.skip(8);
  else if (kind === immediate.constant) reader.signed(64);
  else if (kind === immediate.memory) skipMemory(reader);
  else if (kind === immediate.special) return skipSpecial(reader, opcode, parts);
  else if (kind !== immediate.none) reader.u32();
  return -1;
}

function skipMemory(reader: Reader): void {
  if (reader.u32() & 0x40) reader.u32();
  reader.u64();
}

const oneIndex = new Set([
  0x07, 0x08, 0x09, 0x0c, 0x0d, 0x10, 0x12, 0x14, 0x15, 0x18, 0x25, 0x26, 0x40, 0xd2, 0xd5, 0xd6,
]);

function skipSpecial(reader: Reader, opcode: number, parts: ModuleParts): number {
  if (oneIndex.has(opcode)) reader.u32();
  else if (opcode >= 0x02 && opcode <= 0x06 && opcode !== 0x05) skipBlockType(reader);
  else if (opcode === 0x1f) skipTryTable(reader);
  else if (opcode === 0x0e) for (let rest = reader.u32(); rest >= 0; rest -= 1) reader.u32();
  else if (opcode === 0x11 || opcode === 0x13) {
    reader.u32();
    reader.u32();
  } else if (opcode === 0x1c) for (let rest = reader.u32(); rest > 0; rest -= 1) readValueType(reader);
  else if (opcode === 0xd0) readHeapType(reader);
  else if (opcode === 0xfd) skipVector(reader);
  else if (opcode === 0xfb) return skipGc(reader);
  else if (opcode === 0xfc) return skipMisc(reader, parts);
  return -1;
}

function skipBlockType(reader: Reader): void {
  const first = reader.peek();
  if (first === 0x40) reader.byte();
  else if (first > 0x40 && first < 0x80) readValueType(reader);
  else reader.signed(33);
}

function skipTryTable(reader: Reader): void {
  skipBlockType(reader);
  for (let rest = reader.u32(); rest > 0; rest -= 1) {
    if (reader.byte() < 2) reader.u32();
    reader.u32();
  }
}

function skipVector(reader: Reader): void {
  const layout = vectorLayout(reader.u32());
  if (layout === 'bytes16') reader.skip(16);
  else if (layout === 'memory' || layout === 'memory-lane') skipMemory(reader);
  if (layout === 'lane' || layout === 'memory-lane') reader.skip(1);
}

function skipGc(reader: Reader): number {
  const code = reader.u32();
  const layout = gcImmediates[code] ?? 0;
  if (layout === -2) {
    reader.byte();
    reader.u32();
    readHeapType(reader);
  }
  if (layout < 0) readHeapType(reader);
  for (let rest = layout; rest > 0; rest -= 1) reader.u32();
  return lengthArray.has(code) ? 0 : -1;
}

function skipMisc(reader: Reader, parts: ModuleParts): number {
  const code = reader.u32();
  if (code <= 7) return -1;
  const first = reader.u32();
  const second = [8, 10, 12, 14].includes(code) ? reader.u32() : first;
  if (!lengthMisc.has(code)) return -1;
  const space = code <= 11 ? parts.memories : parts.tables;
  const wide = (index: number) => space[index]?.limits.index64 === true;
  return code !== 8 && code !== 12 && wide(first) && wide(second) ? 1 : 0;
}
