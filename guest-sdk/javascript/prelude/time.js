import { requireStarted, state } from './state.js';

const EngineDate = globalThis.Date;
const enginePerformance = globalThis.performance;

function requireClock() {
  requireStarted('the time');
  if (!state.hasClock) throw new Error('the world has no clock: it does not import wasi:clocks/wall-clock');
}

/** `Date`, which cannot ask for the time of a build. */
export const Date = new Proxy(EngineDate, {
  construct(target, args, newTarget) {
    if (args.length === 0) requireClock();
    return Reflect.construct(target, args, newTarget);
  },
  apply(target) {
    requireClock();
    return target();
  },
});

export function now() {
  requireClock();
  return engineNow();
}

const engineNow = EngineDate.now.bind(EngineDate);
let origin;

/** Milliseconds since it was first asked. */
export const performance = {
  now() {
    requireStarted('the time');
    const time = enginePerformance.now();
    origin ??= time;
    return time - origin;
  },
};
