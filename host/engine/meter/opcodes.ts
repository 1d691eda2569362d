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
