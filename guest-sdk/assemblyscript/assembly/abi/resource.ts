// Resources cross the border as handles. There are no finalizers: who has a resource drops it.

/** Something the host made for this program. */
export class Resource {
  /** @internal 0: dropped, or given away. */
  __handle: i32 = 0;

  /** Whether it was dropped or given away; using it then ends the instance. */
  get isGone(): bool {
    return this.__handle == 0;
  }

  drop(): void {}

  /** @internal */
  __lend(): i32 {
    if (this.__handle == 0) throw new Error("the resource was dropped or given away");
    return this.__handle;
  }

  /** @internal */
  __give(): i32 {
    const handle = this.__lend();
    this.__handle = 0;
    return handle;
  }
}

let borrows: Resource[] | null = null;

/** Notes a resource that was lent to us for the call under way. */
export function borrowed(resource: Resource): void {
  if (borrows === null) borrows = [];
  borrows!.push(resource);
}

/** Gives back what was lent for the call that is about to return. */
export function endBorrows(): void {
  const ending = borrows;
  if (ending === null) return;
  borrows = null;
  for (let i = 0; i < ending.length; i++) {
    const resource = ending[i];
    if (!resource.isGone) resource.drop();
  }
}

// Objects of the user's that the host has handles to, by number from 1. The collector goes by each object's own
// header, so the type of these roots does not matter.
let objects: Array<ArrayBuffer | null> | null = null;
let free: i32[] | null = null;

/** Keeps an object until `forget`; returns its number. */
export function keep(object: usize): i32 {
  if (objects === null) {
    objects = [null];
    free = [];
  }
  const reference = changetype<ArrayBuffer | null>(object);
  if (free!.length == 0) return objects!.push(reference) - 1;
  const number = free!.pop();
  objects![number] = reference;
  return number;
}

export function kept(number: i32): usize {
  return changetype<usize>(objects![number]);
}

export function forget(number: i32): void {
  objects![number] = null;
  free!.push(number);
}
