import { parseInterfaceName } from '../../../host/engine/component/names.ts';
import type { World } from '../../../host/engine/component/world.ts';
import { snakeCase } from './names.ts';

/**
 * What the names of each interface begin with in C: its own name; where another has the same, its package's name
 * before it, then the namespace's, then the version. `motehost:agent` always keeps the short ones.
 */
export function interfacePrefixes(world: World): ReadonlyMap<string, string> {
  const names = new Set(
    [...world.imports, ...world.exports].flatMap((item) => (item.kind === 'interface' ? [item.name] : [])),
  );
  const prefixes = new Map<string, string>();
  for (const name of names) {
    const forms = formsOf(name);
    const others = [...names].filter((other) => other !== name).map(formsOf);
    const isOwn = name.startsWith('motehost:agent/');
    const level = forms.findIndex((form, index) => isOwn || others.every((other) => other[index] !== form));
    prefixes.set(name, forms[level] ?? (forms.at(-1) as string));
  }
  return prefixes;
}

function formsOf(name: string): string[] {
  const parts = parseInterfaceName(name);
  if (parts === undefined) return [snakeCase(name)];
  const [namespace = '', words = ''] = parts.package.split(':').map(snakeCase);
  const own = snakeCase(parts.interface);
  const version = parts.version?.replace(/\W/g, '_') ?? '';
  return [own, `${words}_${own}`, `${namespace}_${words}_${own}`, `${namespace}_${words}_${own}_${version}`];
}
