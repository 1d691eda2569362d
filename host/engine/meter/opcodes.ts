import type { Reader } from './reader.ts';

/** How an operator's immediates are laid out, or that it needs a rule of its own. */
export const immediate = {
  none: 0,
  leb: 1,
  local: 2,
  memory: 3,
  bytes4: 4,
  bytes8: 5,
  constant: 6,
  global: 7,
  /** Everything that moves control, calls, names an index space or has a prefix. */
  special: 8,
} as const;

/** The immediates of each one-byte opcode. */
export const immediates: Uint8Array = new Uint8Array(256).fill(immediate.special);

function assign(from: number, to: number, kind: number): void {
  immediates.fill(kind, from, to + 1);
}

assign(0x01, 0x01, immediate.none); // nop
assign(0x1a, 0x1b, immediate.none); // drop, select
assign(0x20, 0x22, immediate.local);
assign(0x23, 0x24, immediate.global);
assign(0x28, 0x3e, immediate.memory);
assign(0x3f, 0x3f, immediate.leb); // memory.size
assign(0x41, 0x42, immediate.constant);
assign(0x43, 0x43, immediate.bytes4);
assign(0x44, 0x44, immediate.bytes8);
assign(0x45, 0xc4, immediate.none);
assign(0xd1, 0xd1, immediate.none); // ref.is_null
assign(0xd3, 0xd4, immediate.none); // ref.eq, ref.as_non_null

/** Vector operators (prefix 0xFD) by layout: memory argument, plus lane, 16 bytes, lane; others have none. */
export function vectorLayout(code: number): 'memory' | 'memory-lane' | 'bytes16' | 'lane' | 'none' {
  if (code <= 11 || code === 92 || code === 93) return 'memory';
  if (code === 12 || code === 13) return 'bytes16';
  if (code >= 21 && code <= 34) return 'lane';
  if (code >= 84 && code <= 91) return 'memory-lane';
  return 'none';
}

/** How many plain u32 immediates a GC operator (prefix 0xFB) has; -1 a heap type, -2 a cast branch, undefined unknown. */
export const gcImmediates: readonly (number | undefined)[] = [
  1, 1, 2, 2, 2, 2, 1, 1, 2, 2, 2, 1, 1, 1, 1, 0, 1, 2, 2, 2, -1, -1, -1, -1, -2, -2, 0, 0, 0, 0, 0,
];

/** Operators of the first exception proposal: try, catch, rethrow, delegate, catch_all. */
export const legacyExceptions: ReadonlySet<number> = new Set([0x06, 0x07, 0x09, 0x18, 0x19]);
/** Of prefix 0xFC: memory.init, memory.copy, table.init, table.copy. */
export const twoIndices: ReadonlySet<number> = new Set([8, 10, 12, 14]);
/** Of prefix 0xFB, with a length on top of the stack: array.new, new_default, new_data, new_elem, fill, copy, init_data, init_elem. */
export const arrayBulk: ReadonlySet<number> = new Set([6, 7, 9, 10, 16, 17, 18, 19]);

/** Skips alignment, memory index (flag 0x40) and offset; returns where they end. */
export function skipMemoryArgument(bytes: Uint8Array, start: number): number {
  let pos = start;
  const first = bytes[pos] as number;
  while ((bytes[pos++] as number) >= 0x80);
  if (first & 0x40) while ((bytes[pos++] as number) >= 0x80);
  while ((bytes[pos++] as number) >= 0x80);
  return pos;
}

/** Skips what follows the number `code` of a vector operator. */
export function skipVectorImmediates(reader: Reader, code: number): void {
  const layout = vectorLayout(code);
  if (layout === 'bytes16') reader.skip(16);
  else if (layout === 'lane') reader.skip(1);
  else if (layout !== 'none') {
    reader.pos = skipMemoryArgument(reader.bytes, reader.pos);
    if (layout === 'memory-lane') reader.skip(1);
  }
}
