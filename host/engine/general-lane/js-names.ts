/** `blocking-read` → `blockingRead`, as jco writes function and field names. */
export function camelCase(kebab: string): string {
  const pascal = pascalCase(kebab);
  return pascal.charAt(0).toLowerCase() + pascal.slice(1);
}

/** `output-stream` → `OutputStream`, as jco writes resource classes. */
export function pascalCase(kebab: string): string {
  return kebab
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase())
    .join('');
}

/** A WIT function name taken apart: `[method]pollable.block` is a method `block` of `pollable`. */
export type FunctionName =
  | { readonly kind: 'function'; readonly member: string }
  | { readonly kind: 'constructor'; readonly resource: string }
  | { readonly kind: 'method' | 'static'; readonly resource: string; readonly member: string };

export function parseFunctionName(name: string): FunctionName {
  const match = /^\[(constructor|method|static)\]([^.]+)(?:\.(.+))?$/.exec(name);
  if (match === null) return { kind: 'function', member: name };
  const [, kind, resource = '', member = ''] = match;
  if (kind === 'constructor') return { kind, resource };
  return { kind: kind === 'method' ? 'method' : 'static', resource, member };
}
