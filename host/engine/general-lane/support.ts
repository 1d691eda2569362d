import { HostError } from '../../errors.ts';
import type { CanonOptions, Component } from '../component/component.ts';

/**
 * Refuses what the generator gets wrong, in a component and those inside it.
 * Asynchronous tasks are among it: they cannot be paused there, and what waits is not on the guest's account.
 * @throws HostError `HOST_ERR_COMPONENT_UNSUPPORTED` naming it
 */
export function checkSupport(component: Component): void {
  for (const func of component.funcs) {
    if (func.type.async === true) throw asynchronous('an async function');
    if (func.kind === 'lift') checkOptions(func.options);
  }
  for (const func of component.coreFuncs) {
    if (func.kind === 'lower') checkOptions(func.options);
    else if (func.kind === 'builtin' && !func.name.startsWith('resource.')) throw asynchronous(func.name);
  }
  for (const inner of component.components) checkSupport(inner);
}

function checkOptions(options: CanonOptions): void {
  if (options.encoding === 'latin1+utf16')
    throw new HostError(
      'HOST_ERR_COMPONENT_UNSUPPORTED',
      'the component passes strings as latin1+utf16, which is not taken here; build it with utf8 or utf16',
    );
  if (options.async === true) throw asynchronous('the async canonical option');
}

const asynchronous = (feature: string): HostError =>
  new HostError(
    'HOST_ERR_COMPONENT_UNSUPPORTED',
    `the component uses ${feature} of the component model's asynchronous ABI, which runs here in components of one core module whose functions take and give plain values; build others for WASI 0.2`,
    { feature },
  );
