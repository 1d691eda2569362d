import type { World } from '../../../host/engine/component/world.ts';
import { type WorldTarget, worldTarget } from '../../build/target.ts';
import { type WitText, witFolder, witOf } from '../../build/wit-text.ts';

/** The module of a command's arguments and streams. */
export const commandModule = 'motehost:command';

/** What `main` looks like, for people. */
export const mainSignature = 'export function main(): number { … }';

/** Of our own name, so that a program of WASI's world, which exports `run`, is not taken for one with `main`. */
const programName = 'motehost:command/program@0.1.0';
const source = 'package motehost:command@0.1.0;\nworld program { include wasi:cli/command@0.2.0; }\n';

/** What a command is built for: `wasi:cli/command`, and an end by an exit code. */
export async function commandTarget(): Promise<WorldTarget> {
  return await worldTarget(withExitCodes(witOf(source, [witFolder])), 'program');
}

/** Whether a program exports `main` instead of what its world says. */
export function isCommand({ name }: World): boolean {
  return name === programName;
}

/** Hosts end programs with a code through this function, though WASI 0.2.0 only knows success and failure. */
function withExitCodes(wit: WitText): WitText {
  const head = 'interface exit {';
  if (!wit.text.includes(head)) throw new Error('bug: WASI has no interface exit');
  return { ...wit, text: wit.text.replace(head, `${head} exit-with-code: func(status-code: u8);`) };
}
