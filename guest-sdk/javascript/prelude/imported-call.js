import { at } from './conversion.js';
import { CallError } from './failure.js';
import { requireStarted } from './state.js';

/**
 * A function of the world for the program: arguments are checked and lowered, the answer is lifted, and the
 * `err` of a `result` is thrown as a CallError.
 * @param call takes the lowered arguments and `this`; throws an object with `payload` for an `err`
 */
export function importedCall(conversions, { label, type }, call) {
  const lowers = type.params.map((param) => conversions.lower(param.type));
  const result = conversions.definition(type.result);
  const isResult = result?.kind === 'result';
  const lift = liftOf(conversions, isResult ? result.ok : type.result);
  const liftError = liftOf(conversions, isResult ? result.err : undefined);
  const lowerAt = (lower, index) => (value) => at(`${label}, ${type.params[index].key}`, lower, value);
  const checked = lowers.map(lowerAt);
  return function (...args) {
    requireStarted(label);
    const lowered = checked.map((lower, index) => lower(args[index]));
    try {
      return lift(call(lowered, this));
    } catch (error) {
      if (!isResult || !Object.hasOwn(error, 'payload')) throw error;
      throw new CallError(label, liftError(error.payload));
    }
  };
}

function liftOf(conversions, ref) {
  return ref === undefined ? () => undefined : conversions.lift(ref);
}
