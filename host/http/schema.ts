/** A JSON Schema: what requests are checked with and what the OpenAPI document shows. */
export type Schema = Readonly<Record<string, unknown>>;

type Properties<T> = { readonly [name in keyof T]-?: Schema };

/** An object; the compiler sees to it that every property of `T` is named. Those in `optional` may be missing. */
export function objectOf<T>(
  title: string,
  properties: Properties<T>,
  optional: readonly (keyof T)[] = [],
): Schema {
  const names = Object.keys(properties) as (keyof T)[];
  return {
    title,
    type: 'object',
    properties,
    required: names.filter((name) => !optional.includes(name)),
    additionalProperties: false,
  };
}

export const text = (description?: string): Schema => described({ type: 'string' }, description);
export const count = (description?: string): Schema =>
  described({ type: 'integer', minimum: 0 }, description);
export const number = (description?: string): Schema => described({ type: 'number' }, description);
export const listOf = (items: Schema, description?: string): Schema =>
  described({ type: 'array', items }, description);
export const oneOf = (...values: readonly string[]): Schema => ({ type: 'string', enum: values });

function described(schema: Schema, description: string | undefined): Schema {
  return description === undefined ? schema : { ...schema, description };
}
