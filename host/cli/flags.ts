import type { ParseArgsOptionsConfig } from 'node:util';
import { util } from '../builtin.ts';

/** What a command line says, as its options describe it. */
export type Words<O extends ParseArgsOptionsConfig> = ReturnType<
  typeof util.parseArgs<{ options: O; allowPositionals: true }>
>;

/**
 * `util.parseArgs`, which takes the last of several values without a word: which of two was meant is not ours to guess.
 * @throws Error as `util.parseArgs` does, and for a second value of a flag that takes one; `flagError` makes a line of it
 */
export function flagsOf<const O extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: O,
  allowPositionals = true,
): Words<O> {
  const { values, positionals, tokens } = util.parseArgs({
    args: [...args],
    options,
    allowPositionals,
    tokens: true,
  });
  const given = new Map<string, string>();
  for (const token of tokens) {
    if (token.kind !== 'option' || token.value === undefined || options[token.name]?.multiple === true)
      continue;
    const before = given.get(token.name);
    if (before !== undefined)
      throw new Error(
        `${token.rawName} is there twice, '${before}' and '${token.value}': it takes one value`,
      );
    given.set(token.name, token.value);
  }
  return { values, positionals } as Words<O>;
}
