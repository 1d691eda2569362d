import { HostError } from '../../errors.ts';

export interface CoreFunctionType {
  readonly params: readonly string[];
  readonly results: readonly string[];
}

const i32Min = -(2 ** 31);
const i32Max = 2 ** 32 - 1;
const i64Min = -(2n ** 63n);
const i64Max = 2n ** 64n - 1n;

/** What each numeric type takes; signed and unsigned integers alike. */
const fits: Readonly<Record<string, (value: unknown) => boolean>> = {
  i32: (value) => typeof value === 'number' && Number.isInteger(value) && value >= i32Min && value <= i32Max,
  i64: (value) => typeof value === 'bigint' && value >= i64Min && value <= i64Max,
  f32: (value) => typeof value === 'number',
  f64: (value) => typeof value === 'number',
};

const forms: Readonly<Record<string, string>> = {
  i32: 'a whole number of 32 bits',
  i64: 'a bigint of 64 bits',
  f32: 'a number',
  f64: 'a number',
};

/**
 * Checks the arguments of a core function before JavaScript would convert them without a word.
 * @throws HostError `HOST_ERR_VALUE_INVALID` for a wrong count, a wrong type, or a function that is not for numbers
 */
export function checkArguments(
  name: string,
  type: CoreFunctionType | undefined,
  arity: number,
  args: readonly unknown[],
): void {
  const count = type?.params.length ?? arity;
  if (args.length !== count) refuse(name, `takes ${count} arguments, ${args.length} given`);
  for (const result of type?.results ?? []) {
    if (fits[result] === undefined) refuse(name, `gives a ${result}, which is no number`);
  }
  for (const [index, value] of args.entries()) {
    const param = type?.params[index] ?? (typeof value === 'bigint' ? 'i64' : 'f64');
    const fit = fits[param];
    if (fit === undefined) refuse(name, `takes a ${param}, which is no number`);
    else if (!fit(value)) refuse(name, `argument ${index + 1} must be ${forms[param]} (${param})`);
  }
}

function refuse(name: string, why: string): never {
  throw new HostError('HOST_ERR_VALUE_INVALID', `${name} ${why}`, { name });
}
