const view = new DataView(new ArrayBuffer(9));

/** The shortest of half, single and double precision that holds the same value, head included; one kind of NaN. */
export function shortestFloat(value: number): Uint8Array {
  if (Number.isNaN(value)) return Uint8Array.of(0xf9, 0x7e, 0);
  if (Object.is(Math.f16round(value), value)) {
    view.setFloat16(1, value);
    return taken(0xf9, 3);
  }
  if (Object.is(Math.fround(value), value)) {
    view.setFloat32(1, value);
    return taken(0xfa, 5);
  }
  view.setFloat64(1, value);
  return taken(0xfb, 9);
}

function taken(head: number, length: number): Uint8Array {
  view.setUint8(0, head);
  return new Uint8Array(view.buffer.slice(0, length));
}
