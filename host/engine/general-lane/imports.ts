import { HostError } from '../../errors.ts';
import type { World } from '../component/world.ts';
import type { HostInterface, Linker } from '../linker.ts';
import { fullName, interfacesOf, rootInterface, type WorldInterface } from './general-world.ts';
import { camelCase, parseFunctionName, pascalCase } from './js-names.ts';

/**
 * The imports of `world` that the host answers with promises, in the form `transpileComponent` wants.
 * They shape the generated code, so they belong into its cache key.
 */
export function suspendingImportsOf(world: World, linker: Linker): string[] {
  return interfacesOf(world, 'imports').flatMap(({ name, functions }) => {
    const suspending = linker.get(name)?.suspending;
    return functions.filter((each) => suspending?.has(each.name)).map((each) => fullName(name, each.name));
  });
}

/**
 * The import object of jco's `instantiate`: interfaces by full name, functions of the world as `{default}`.
 * @throws HostError `HOST_ERR_LINK_MISSING_IMPORT` with the whole list of what is missing
 */
export function importsFor(world: World, linker: Linker): Record<string, object> {
  const imports: Record<string, object> = Object.create(null);
  const missing: string[] = [];
  for (const wanted of interfacesOf(world, 'imports')) {
    const offered = linker.get(wanted.name);
    if (offered === undefined) {
      // An interface of types alone needs nobody.
      if (wanted.functions.length + wanted.resources.length > 0) missing.push(wanted.name);
      continue;
    }
    missing.push(...missingFrom(wanted, offered));
    if (wanted.name !== rootInterface) imports[wanted.name] = offered.functions;
    else
      for (const { name } of wanted.functions)
        imports[name] = { default: offered.functions[camelCase(name)] };
  }
  if (missing.length === 0) return imports;
  throw new HostError(
    'HOST_ERR_LINK_MISSING_IMPORT',
    `the program imports what this host does not offer: ${missing.join(', ')}`,
    { missing },
  );
}

function missingFrom(wanted: WorldInterface, offered: HostInterface): string[] {
  const functions = wanted.functions.filter(({ name }) => !isOffered(name, offered)).map(({ name }) => name);
  const resources = wanted.resources.filter(
    (name) => typeof offered.functions[pascalCase(name)] !== 'function',
  );
  return [...functions, ...resources].map((name) => fullName(wanted.name, name));
}

function isOffered(functionName: string, { functions }: HostInterface): boolean {
  const name = parseFunctionName(functionName);
  if (name.kind === 'function') return typeof functions[camelCase(name.member)] === 'function';
  const resource = functions[pascalCase(name.resource)];
  if (typeof resource !== 'function') return false;
  if (name.kind === 'constructor') return true;
  const holder: object = name.kind === 'static' ? resource : (resource.prototype as object);
  return typeof Reflect.get(holder, camelCase(name.member)) === 'function';
}
