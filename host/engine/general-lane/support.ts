import { HostError } from '../../errors.ts';
import type { CanonOptions, Component, ExternType } from '../component/component.ts';
import { parseExternName } from '../component/names.ts';

/** Whether a component, or one inside it, has tasks of the asynchronous ABI. */
export function hasTasks(component: Component): boolean {
  const isTask = (options: CanonOptions): boolean => options.async === true;
  return (
    component.funcs.some(
      (func) => func.type.async === true || (func.kind === 'lift' && isTask(func.options)),
    ) ||
    component.coreFuncs.some(
      (func) =>
        (func.kind === 'lower' && isTask(func.options)) ||
        (func.kind === 'builtin' && !func.name.startsWith('resource.')),
    ) ||
    component.components.some(hasTasks)
  );
}

/**
 * Refuses what the generator gets wrong or does not take: at a component's outside, in it and in those inside it.
 * @throws HostError `HOST_ERR_COMPONENT_UNSUPPORTED` naming it
 */
export function checkSupport(component: Component): void {
  for (const [name, type] of component.imports) {
    checkOutside('imports', name, type);
    if (type.sort === 'func' && parseExternName(name)?.kind === 'interface')
      throw shape('imports', `a function under the name of an interface, ${shown(name)}`);
  }
  for (const [name, { type }] of component.exports) checkOutside('exports', name, type);
  checkInside(component);
}

/** A world, as WIT can write it, has functions, types, and interfaces of those. */
function checkOutside(verb: Verb, name: string, type: ExternType): void {
  if (type.sort === 'module' || type.sort === 'component')
    throw shape(verb, `${words[type.sort]}, ${shown(name)}`);
  if (type.sort !== 'instance') return;
  for (const [inner, { sort }] of type.type.exports)
    if (sort !== 'func' && sort !== 'type')
      throw shape(verb, `${shown(name)} with ${words[sort]} inside, ${shown(inner)}`);
}

type Verb = 'imports' | 'exports';
const words = { module: 'a core module', component: 'a component', instance: 'an interface' } as const;
const nameShownMax = 80;
const shown = (name: string): string => `'${name.slice(0, nameShownMax)}'`;
const shape = (verb: Verb, what: string): HostError =>
  new HostError(
    'HOST_ERR_COMPONENT_UNSUPPORTED',
    `the component ${verb} ${what}, which this host does not run`,
    { what },
  );

function checkInside(component: Component): void {
  for (const func of component.funcs) if (func.kind === 'lift') checkOptions(func.options);
  for (const func of component.coreFuncs) {
    if (func.kind === 'lower') checkOptions(func.options);
    else if (func.kind === 'builtin' && func.name.startsWith('thread.') && func.name !== 'thread.yield')
      throw threading(func.name);
  }
  for (const inner of component.components) checkInside(inner);
}

function checkOptions(options: CanonOptions): void {
  if (options.encoding === 'latin1+utf16')
    throw new HostError(
      'HOST_ERR_COMPONENT_UNSUPPORTED',
      'the component passes strings as latin1+utf16, which is not taken here; build it with utf8 or utf16',
    );
}

const threading = (feature: string): HostError =>
  new HostError(
    'HOST_ERR_COMPONENT_UNSUPPORTED',
    `the component uses ${feature} of the component model's threads, which do not run here; build it without`,
    { feature },
  );
