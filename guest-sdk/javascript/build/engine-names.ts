const guise = 'world-wasi:';

/**
 * Names of WASI's packages as the engine is told them, in a WIT text or alone. Under their own names it would
 * answer some of them itself while it evaluates a program, and these do not fit those of `wasi:http`.
 */
export function engineName(text: string): string {
  return text.replace(/(?<![\w-])wasi:/g, guise);
}

/** The same names as the world has them. */
export function worldName(name: string): string {
  return name.replace(guise, 'wasi:');
}
