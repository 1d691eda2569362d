import { HostError } from '../../errors.ts';
import type { CanonOptions, Component } from '../component/component.ts';

/** What the general lane must know of a component's canonical definitions, nested components included. */
export interface Support {
  /** Whether guests run several tasks at once (component-model async): then none of them may be paused. */
  readonly hasTasks: boolean;
}

/**
 * Refuses what the generator gets wrong.
 * @throws HostError `HOST_ERR_COMPONENT_UNSUPPORTED` naming it
 */
export function supportOf(component: Component): Support {
  let hasTasks = false;
  const look = (options: CanonOptions): void => {
    if (options.encoding === 'latin1+utf16')
      throw new HostError(
        'HOST_ERR_COMPONENT_UNSUPPORTED',
        'the component passes strings as latin1+utf16, which is not taken here; build it with utf8 or utf16',
      );
    if (options.async === true) hasTasks = true;
  };
  for (const func of component.funcs) {
    if (func.kind === 'lift') look(func.options);
    if (func.type.async === true) hasTasks = true;
  }
  for (const func of component.coreFuncs) {
    if (func.kind === 'lower') look(func.options);
    else if (func.kind === 'builtin' && !func.name.startsWith('resource.')) hasTasks = true;
  }
  for (const inner of component.components) if (supportOf(inner).hasTasks) hasTasks = true;
  return { hasTasks };
}
