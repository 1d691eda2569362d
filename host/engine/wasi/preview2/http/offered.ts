import type { HostResource } from '../../../linker.ts';
import type { Guest } from '../guest.ts';
import { type FieldLine, Fields } from './fields.ts';

/** The class as the guest constructs it: what it makes belongs to this guest. A proxy is the same class to `instanceof`. */
export function madeFor<Args extends unknown[]>(
  guest: Guest,
  Resource: new (guest: Guest, ...args: Args) => object,
): HostResource {
  return new Proxy(Resource, { construct: (_target, args: Args) => new Resource(guest, ...args) });
}

/** `fields` as the guest constructs them. */
export function offeredFields(guest: Guest): HostResource {
  return new Proxy(Fields, {
    construct: () => new Fields(guest, [], true),
    get: (target, key) =>
      key === 'fromList'
        ? (entries: readonly FieldLine[]) => Fields.checked(guest, entries)
        : Reflect.get(target, key),
  });
}
