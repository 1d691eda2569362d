import { nearest } from '../nearest.ts';

interface Field {
  readonly name: string;
  readonly values: string;
}

const second: Field = { name: 'second', values: '0 to 59' };
const fields: readonly Field[] = [
  { name: 'minute', values: '0 to 59' },
  { name: 'hour', values: '0 to 23' },
  { name: 'day', values: '1 to 31, or L, the last' },
  { name: 'month', values: '1 to 12, or jan to dec' },
  { name: 'weekday', values: '0 to 7, or sun to sat' },
];
const nicknames = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@hourly'];
const order =
  'it takes minute, hour, day, month and weekday, such as "0 8 * * 1-5", maybe with seconds in front';

/**
 * What is wrong with a pattern that cannot be read, in words of ours: the parser's name fields by its own variables,
 * and some values less one.
 * @param isReadable whether the parser takes a pattern: each field is tried with `*` in the place of the others
 */
export function cronFault(text: string, isReadable: (pattern: string) => boolean): string {
  if (text.startsWith('@'))
    return `there is no '${text}'${nearest(text, nicknames)}; there are ${nicknames.join(', ')}`;
  const parts = text.split(/[ \t]+/);
  const named = parts.length === fields.length + 1 ? [second, ...fields] : fields;
  if (parts.length !== named.length) return `${parts.length} fields are no time; ${order}`;
  const at = parts.findIndex((part, index) => !isReadable(alone(part, index, parts.length)));
  const [field, part] = [named[at], parts[at]];
  if (field === undefined) return `this is no time; ${order}`;
  return `'${part}' is no ${field.name}: ${field.values}; with * for any, lists 1,2, ranges 1-5 and steps */5; ${order}`;
}

function alone(part: string, at: number, count: number): string {
  return Array.from({ length: count }, (_, index) => (index === at ? part : '*')).join(' ');
}
