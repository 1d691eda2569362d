import { requireStarted, state } from './state.js';

function write(level, text, fields = {}) {
  requireStarted('the log');
  state.rawLog.write(level, String(text).toWellFormed(), fieldList(fields));
}

function fieldList(fields) {
  return Object.entries(fields).map(([name, value]) => ({
    name: name.toWellFormed(),
    value: String(value).toWellFormed(),
  }));
}

/** Whether a line of this level would be kept: ask before building an expensive one. */
export function enabled(level) {
  return state.rawLog.enabled(level);
}

/** Each writes one line; `fields` are named values beside it. */
export const trace = (text, fields) => write('trace', text, fields);
export const debug = (text, fields) => write('debug', text, fields);
export const info = (text, fields) => write('info', text, fields);
export const warn = (text, fields) => write('warn', text, fields);
export const error = (text, fields) => write('error', text, fields);
