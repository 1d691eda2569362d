import { inspect } from './inspect.js';
import { writeLine } from './line.js';
import { stackOf } from './stack.js';
import { requireStarted } from './state.js';

const counts = new Map();
let indent = '';

const write =
  (level) =>
  (...values) => {
    requireStarted('console');
    const lines = values.map(inspect).join(' ').split('\n');
    for (const line of lines) writeLine(level, indent + line);
  };

/** `console` writes lines of the world's log; where the world has none, of the standard streams. */
export const console = {
  debug: write('debug'),
  log: write('info'),
  info: write('info'),
  warn: write('warn'),
  error: write('error'),
  dir: write('info'),
  trace(...values) {
    console.debug(['Trace:', ...values.map(inspect)].join(' '), `\n${stackOf(new Error()).join('\n')}`);
  },
  assert(condition, ...values) {
    if (!condition) console.error('Assertion failed', ...values);
  },
  count(label = 'default') {
    counts.set(label, (counts.get(label) ?? 0) + 1);
    console.info(`${label}: ${counts.get(label)}`);
  },
  countReset(label = 'default') {
    counts.delete(label);
  },
  group(...values) {
    if (values.length > 0) console.info(...values);
    indent += '  ';
  },
  groupEnd() {
    indent = indent.slice(2);
  },
};
