/** The line that AssemblyScript's `trace` prints. */
export function traceText(message: string, n: i32, a0: f64, a1: f64, a2: f64, a3: f64, a4: f64): string {
  let text = message;
  if (n > 0) text += " " + a0.toString();
  if (n > 1) text += ", " + a1.toString();
  if (n > 2) text += ", " + a2.toString();
  if (n > 3) text += ", " + a3.toString();
  if (n > 4) text += ", " + a4.toString();
  return text;
}
