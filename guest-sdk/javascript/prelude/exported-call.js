import { at } from './conversion.js';
import { crash } from './crash.js';
import { CallError } from './failure.js';
import { state } from './state.js';
import { runTasks } from './tasks.js';

/** A function of the program for the world: arguments are lifted, what it returns or throws is checked and lowered. */
export class ExportedCall {
  #label;
  #lifts;
  #lower;
  /** The `err` side of a `result`: undefined where the world's function cannot fail. */
  #errors;
  #call;

  /** @param call takes the program's `this` and the lifted arguments */
  constructor(conversions, { kind, label, type }, call) {
    const result = conversions.definition(type.result);
    const isResult = kind !== 'constructor' && result?.kind === 'result';
    this.#label = label;
    this.#lifts = type.params.map((param) => conversions.lift(param.type));
    this.#lower =
      kind === 'constructor' ? (made) => made : lowerOf(conversions, isResult ? result.ok : type.result);
    this.#errors = isResult ? { type: result.err, lower: lowerOf(conversions, result.err) } : undefined;
    this.#call = call;
  }

  run(self, raw) {
    state.started = true;
    let returned;
    try {
      const args = raw.map((value, index) => this.#lifts[index](value));
      returned = this.#call(self, args);
    } catch (thrown) {
      throw payloadOf(thrown, this.#errors) ?? this.#crash(thrown);
    }
    try {
      if (returned instanceof Promise)
        throw new TypeError('it returned a promise, and nothing would settle it: an agent has no event loop');
      const lowered = at('the returned value', this.#lower, returned);
      runTasks();
      return lowered;
    } catch (error) {
      return this.#crash(error);
    }
  }

  #crash(thrown) {
    return crash(this.#label, thrown, this.#errors?.type === 'string');
  }
}

function lowerOf(conversions, ref) {
  return ref === undefined ? () => undefined : conversions.lower(ref);
}

/** What the engine makes an `err` of, or undefined when what was thrown is none of the world's errors. */
function payloadOf(thrown, errors) {
  if (errors === undefined || thrown instanceof CallError) return undefined;
  if (errors.type === undefined) return thrown === undefined ? { payload: undefined } : undefined;
  const isText = errors.type === 'string';
  if (thrown instanceof Error && !isText && typeof thrown.tag !== 'string') return undefined;
  try {
    return { payload: errors.lower(thrown instanceof Error && isText ? thrown.message : thrown) };
  } catch {
    return undefined;
  }
}
