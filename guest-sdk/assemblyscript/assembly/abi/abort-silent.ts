/** A failed `throw` or assertion where the world has no log: it traps. */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  unreachable();
}
