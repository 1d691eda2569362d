/** A copy of a value with everything in it; what stands in it twice stands twice in the copy. */
export function structuredClone(value) {
  return copyOf(value, new Map());
}

function copyOf(value, known) {
  if (typeof value === 'function' || typeof value === 'symbol')
    throw new DOMException(`a ${typeof value} cannot be cloned`, 'DataCloneError');
  if (typeof value !== 'object' || value === null) return value;
  const earlier = known.get(value);
  if (earlier !== undefined) return earlier;
  const plain = plainCopy(value);
  if (plain !== undefined) return remember(plain, value, known);
  if (value instanceof Map) {
    const copy = remember(new Map(), value, known);
    for (const [key, item] of value) copy.set(copyOf(key, known), copyOf(item, known));
    return copy;
  }
  if (value instanceof Set) {
    const copy = remember(new Set(), value, known);
    for (const item of value) copy.add(copyOf(item, known));
    return copy;
  }
  if (ArrayBuffer.isView(value)) return remember(viewCopy(value, known), value, known);
  const copy = remember(Array.isArray(value) ? new Array(value.length) : {}, value, known);
  for (const key of Object.keys(value)) copy[key] = copyOf(value[key], known);
  return copy;
}

function plainCopy(value) {
  if (value instanceof Date) return new Date(value.getTime());
  if (value instanceof RegExp) return new RegExp(value.source, value.flags);
  if (value instanceof ArrayBuffer) return value.slice(0);
  if (value instanceof Error) return errorCopy(value);
  if (value instanceof Boolean || value instanceof Number || value instanceof String)
    return Object(value.valueOf());
  return undefined;
}

function errorCopy(error) {
  const known = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };
  const copy = new (known[error.name] ?? Error)(error.message);
  copy.stack = error.stack;
  return copy;
}

function viewCopy(view, known) {
  const buffer = copyOf(view.buffer, known);
  const length = view instanceof DataView ? view.byteLength : view.length;
  return new view.constructor(buffer, view.byteOffset, length);
}

function remember(copy, value, known) {
  known.set(value, copy);
  return copy;
}
