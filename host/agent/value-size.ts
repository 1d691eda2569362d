/** A number in a list as text, with what stands between it and the next: `0, `. */
const listedNumberBytes = 3;

/**
 * The least bytes a lifted value takes up when it is written down, whatever the notation; counted no further
 * than just past `max`. Values are trees as deep as their type, which is bounded when it is read.
 */
export function sizeOf(value: unknown, max: number): number {
  if (typeof value === 'string') return value.length;
  if (value instanceof Uint8Array) return value.length;
  if (ArrayBuffer.isView(value)) return (value as Uint16Array).length * listedNumberBytes;
  if (typeof value !== 'object' || value === null) return 1;
  let total = 1;
  const parts = value instanceof Map ? [...value].flat() : Object.values(value);
  for (const part of parts) {
    total += sizeOf(part, max - total);
    if (total > max) break;
  }
  return total;
}
