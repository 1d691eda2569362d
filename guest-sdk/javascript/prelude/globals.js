import { console } from './console.js';
import { crypto, random } from './random.js';
import { structuredClone } from './structured-clone.js';
import { queueMicrotask } from './tasks.js';
import { TextDecoder, TextEncoder } from './text-coding.js';
import { now, performance, WorldDate } from './time.js';

/** Puts what programs expect where they expect it. */
export function install() {
  define(globalThis, {
    console,
    crypto,
    Date: WorldDate,
    performance,
    queueMicrotask,
    structuredClone,
    TextDecoder,
    TextEncoder,
  });
  define(Math, { random });
  define(WorldDate, { now });
  define(WorldDate.prototype, { constructor: WorldDate });
}

function define(holder, values) {
  for (const [name, value] of Object.entries(values))
    Object.defineProperty(holder, name, { value, writable: true, configurable: true });
}
