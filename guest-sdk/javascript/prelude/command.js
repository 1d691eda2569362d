// What a command imports from `motehost:command`, and what calls its `main`.
import { getArguments, getEnvironment } from 'wasi:cli/environment';
import { exitWithCode } from 'wasi:cli/exit';
import { getStderr } from 'wasi:cli/stderr';
import { getStdin } from 'wasi:cli/stdin';
import { getStdout } from 'wasi:cli/stdout';
import { Input, Output } from './streams.js';

export { Input, Output };

/** The program's arguments, without its own name. */
export function args() {
  return getArguments().slice(1);
}

/** The value of an environment variable; undefined: not set. */
export function env(name) {
  return getEnvironment().find(([key]) => key === name)?.[1];
}

/** Ends the program at once with an exit code from 0 to 255. */
export function exit(code) {
  if (!Number.isInteger(code) || code < 0 || code > 255)
    throw new RangeError(`an exit code is a whole number from 0 to 255, not ${code}`);
  exitWithCode(code);
}

export const stdin = /*#__PURE__*/ new Input(getStdin);
export const stdout = /*#__PURE__*/ new Output(getStdout);
export const stderr = /*#__PURE__*/ new Output(getStderr);

/** `wasi:cli/run` from the program's `main`; one that returns nothing went well. */
export function runner(main) {
  return {
    run() {
      const code = main() ?? 0;
      if (code !== 0) exit(code);
    },
  };
}
