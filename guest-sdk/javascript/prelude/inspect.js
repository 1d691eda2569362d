import { errorText } from './crash.js';

const depthMax = 4;
const itemsMax = 100;

/** A value as `console` writes it: texts as they are, others as a literal of them would be written. */
export function inspect(value) {
  return typeof value === 'string' ? value : literal(value, 0, []);
}

function literal(value, depth, around) {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return `[function ${value.name}]`;
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : String(value);
  if (value instanceof Error) return errorText(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof RegExp) return String(value);
  if (around.includes(value)) return '[circular]';
  if (depth >= depthMax) return Array.isArray(value) ? '[…]' : '{…}';
  return composite(value, (inner) => literal(inner, depth + 1, [...around, value]));
}

function composite(value, inner) {
  if (Array.isArray(value)) return `[${items(value, inner)}]`;
  if (ArrayBuffer.isView(value) && !(value instanceof DataView))
    return `${value.constructor.name} [${items([...value], inner)}]`;
  if (value instanceof Set) return `Set {${items([...value], inner)}}`;
  if (value instanceof Map)
    return `Map {${items([...value], ([key, item]) => `${inner(key)} => ${inner(item)}`)}}`;
  const name = value.constructor?.name ?? '';
  const fields = items(Object.entries(value), ([key, item]) => `${key}: ${inner(item)}`);
  return `${name === 'Object' || name === '' ? '' : `${name} `}{${fields === '' ? '' : ` ${fields} `}}`;
}

function items(values, show) {
  const shown = values.slice(0, itemsMax).map(show);
  if (values.length > itemsMax) shown.push(`… ${values.length - itemsMax} more`);
  return shown.join(', ');
}
