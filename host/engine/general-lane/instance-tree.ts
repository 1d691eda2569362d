import type { Component, Instance } from '../component/component.ts';

/**
 * For every component instance the number of the one that made it, -1 for the outermost: in the order in which
 * they are made, which is how the transpiler numbers them. Empty where a component is instantiated that is only
 * known when it is linked.
 */
export function instanceParents(component: Component): readonly number[] {
  const parents: number[] = [-1];
  return makeInstances(component, 0, parents) ? parents : [];
}

function makeInstances(component: Component, self: number, parents: number[]): boolean {
  // An export gives an instance once more under another index: its arguments are still the same object.
  const made = new Set<unknown>();
  for (const instance of component.instances) {
    if (instance.kind !== 'instantiate' || made.has(instance.args)) continue;
    made.add(instance.args);
    if (!makeInstance(instance, self, parents)) return false;
  }
  return true;
}

const instancesMax = 10_000;

function makeInstance(
  { component }: Instance & { readonly kind: 'instantiate' },
  parent: number,
  parents: number[],
): boolean {
  if (component.kind !== 'defined' || parents.length >= instancesMax) return false;
  parents.push(parent);
  return makeInstances(component.component, parents.length - 1, parents);
}
