import { Level, write } from "motehost:agent/log";
import { traceText } from "./trace-text";

/** AssemblyScript's `trace(text, n, a0, …)`: one line of level `trace`. */
export function trace(
  message: string, n: i32 = 0, a0: f64 = 0, a1: f64 = 0, a2: f64 = 0, a3: f64 = 0, a4: f64 = 0,
): void {
  write(Level.trace, traceText(message, n, a0, a1, a2, a3, a4), []);
}
