import { console } from './console.js';
import { crypto, random } from './random.js';
import { structuredClone } from './structured-clone.js';
import { TextDecoder, TextEncoder } from './text-coding.js';
import { Date, now, performance } from './time.js';

/** Puts what programs expect where they expect it. */
export function install() {
  define(globalThis, { console, crypto, Date, performance, structuredClone, TextDecoder, TextEncoder });
  define(Math, { random });
  define(Date, { now });
  define(Date.prototype, { constructor: Date });
}

function define(holder, values) {
  for (const [name, value] of Object.entries(values))
    Object.defineProperty(holder, name, { value, writable: true, configurable: true });
}
