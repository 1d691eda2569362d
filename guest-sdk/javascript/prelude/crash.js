import { writeLine } from './line.js';
import { stackOf } from './stack.js';

/** An error as people read it: name, message, and where it came from. */
export function errorText(error) {
  if (!(error instanceof Error)) return String(error);
  const head = error.message === '' ? error.name : `${error.name}: ${error.message}`;
  const lines = [head, ...stackOf(error).map((line) => `    ${line}`)];
  if (error.cause !== undefined) lines.push(`caused by ${errorText(error.cause)}`);
  return lines.join('\n');
}

/** Ends the instance, as a panic does in other languages, after telling the log (or standard error) why. */
export function crash(what, thrown, errorIsText) {
  const text = `${what} threw ${thrown instanceof Error ? '' : 'what is no Error: '}${errorText(thrown)}`;
  for (const line of text.split('\n')) writeLine('error', line);
  // The engine gives a thrown Error to the caller where the world's error is a text; nothing is made of this.
  if (errorIsText) throw Object.assign(new Error(text), { payload: {} });
  throw new Error(text);
}
