/** What the prelude's parts share about this instance. */
export const state = {
  /** False while the module is evaluated, which happens when it is built: nothing outside may be asked then. */
  started: false,
  /** The world's log as the engine gives it, where the world has one. */
  rawLog: undefined,
  /** Standard streams of a world without one, as far as it has them. */
  stdout: undefined,
  stderr: undefined,
  /** Interfaces of the world that globals stand on, bound; undefined where the world lacks them. */
  random: undefined,
  hasClock: false,
};

/** @throws Error when the program does not run yet */
export function requireStarted(what) {
  if (state.started) return;
  throw new Error(
    `${what} cannot be used while the module is built: everything outside of functions runs then, once and for all instances`,
  );
}
