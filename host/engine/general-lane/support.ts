import { HostError } from '../../errors.ts';
import type { CanonOptions, Component } from '../component/component.ts';

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
 * Refuses what the generator gets wrong, in a component and those inside it.
 * @throws HostError `HOST_ERR_COMPONENT_UNSUPPORTED` naming it
 */
export function checkSupport(component: Component): void {
  for (const func of component.funcs) if (func.kind === 'lift') checkOptions(func.options);
  for (const func of component.coreFuncs) {
    if (func.kind === 'lower') checkOptions(func.options);
    else if (func.kind === 'builtin' && func.name.startsWith('thread.') && func.name !== 'thread.yield')
      throw threading(func.name);
  }
  for (const inner of component.components) checkSupport(inner);
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
