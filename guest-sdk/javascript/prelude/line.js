import { state } from './state.js';

/** Writes a line for people: to the world's log, or where it has none to a standard stream, or else nowhere. */
export function writeLine(level, text) {
  if (state.rawLog !== undefined) return state.rawLog.write(level, text.toWellFormed(), []);
  const isProblem = level === 'error' || level === 'warn';
  const stream = isProblem ? state.stderr : (state.stdout ?? state.stderr);
  stream?.line(text);
}
