import { Level, write } from "../bindings/log";

/** A failed `throw` or assertion: says so in the log and traps. */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  const what = message == null ? "abort" : message;
  const where = file == null ? "" : ` (${file}:${line.toString()}:${column.toString()})`;
  write(Level.error, what + where, []);
  unreachable();
}
