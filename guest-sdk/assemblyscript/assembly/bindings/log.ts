import { give, take } from "../abi/memory";

// @ts-ignore: decorator
@external("motehost:agent/log@0.1.0", "enabled")
declare function __enabled(level: i32): i32;
// @ts-ignore: decorator
@external("motehost:agent/log@0.1.0", "write")
export declare function __write(level: i32, text: usize, units: i32, fields: usize, count: i32): void;

export enum Level { trace, debug, info, warn, error }

/** One named value of a line. */
export class Field {
  constructor(public name: string, public value: string) {}
}

/** Whether a line of this level would be kept. */
export function enabled(level: Level): bool {
  return __enabled(level) != 0;
}

/** Writes one line. */
export function write(level: Level, text: string, fields: Field[]): void {
  const count = fields.length;
  const first: usize = count == 0 ? 8 : take(<usize>count << 4);
  for (let i = 0; i < count; i++) {
    const field = fields[i];
    const at = first + (<usize>i << 4);
    store<usize>(at, changetype<usize>(field.name));
    store<i32>(at, field.name.length, 4);
    store<usize>(at, changetype<usize>(field.value), 8);
    store<i32>(at, field.value.length, 12);
  }
  __write(level, changetype<usize>(text), text.length, first, count);
  if (count != 0) give(first);
}
