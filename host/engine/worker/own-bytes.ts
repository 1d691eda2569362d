/**
 * The same data with every view of a larger buffer replaced by a copy of what it shows: the structured clone copies
 * whole buffers, and a small `Buffer` lies in one that other requests' bytes share. Views that are the whole of
 * their buffer, and shared memory, stay as they are, and so does what lies in a buffer of `moved`.
 */
export function ownBytes(value: unknown, moved: readonly unknown[] = []): unknown {
  const seen = new Map<object, unknown>();
  for (const each of moved) if (typeof each === 'object' && each !== null) seen.set(each, each);
  return own(value, seen);
}

function own(value: unknown, seen: Map<object, unknown>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (seen.has(value)) return seen.get(value);
  if (ArrayBuffer.isView(value)) return remember(seen, value, ownView(value, seen));
  // A circle ends here: what is being looked at stands for itself.
  seen.set(value, value);
  if (Array.isArray(value)) return remember(seen, value, ownArray(value, seen));
  if (value instanceof Map) return remember(seen, value, ownMap(value, seen));
  if (value instanceof Set) return remember(seen, value, new Set([...value].map((each) => own(each, seen))));
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null
    ? remember(seen, value, ownRecord(value, seen))
    : value;
}

function remember(seen: Map<object, unknown>, value: object, copy: unknown): unknown {
  seen.set(value, copy);
  return copy;
}

function ownView(view: ArrayBufferView, seen: Map<object, unknown>): ArrayBufferView {
  const { buffer, byteOffset, byteLength } = view;
  if (buffer instanceof SharedArrayBuffer || byteLength === buffer.byteLength || seen.has(buffer))
    return view;
  const bytes = buffer.slice(byteOffset, byteOffset + byteLength);
  if (view instanceof DataView) return new DataView(bytes);
  if (view instanceof Uint8Array) return new Uint8Array(bytes);
  throw new Error('bug: only bytes and DataViews of larger buffers can be posted');
}

/** Unchanged where nothing in it had to be copied. */
function ownArray(values: unknown[], seen: Map<object, unknown>): unknown[] {
  const copies = values.map((each) => own(each, seen));
  return copies.some((copy, index) => copy !== values[index]) ? copies : values;
}

function ownMap(map: Map<unknown, unknown>, seen: Map<object, unknown>): Map<unknown, unknown> {
  return new Map([...map].map(([key, value]) => [own(key, seen), own(value, seen)]));
}

function ownRecord(record: object, seen: Map<object, unknown>): object {
  const entries = Object.entries(record);
  const copies = entries.map(([name, value]) => [name, own(value, seen)] as const);
  return copies.some(([, copy], index) => copy !== entries[index]?.[1]) ? Object.fromEntries(copies) : record;
}
