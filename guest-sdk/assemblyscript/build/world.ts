/** One kind of program the SDK builds: what its sources must export, and how that becomes a module. */
export interface World {
  readonly name: 'handler' | 'command';
  /** A component of the `motehost:agent` world of that name, or a WASI preview1 core module. */
  readonly form: 'component' | 'core';
  /** The functions the user's entry file exports, with the declaration to show when one is missing or wrong. */
  readonly exports: readonly { readonly name: string; readonly declaration: string }[];
  /** Name of the module's start function. */
  readonly start: string;
  /** Names that the glue's functions take in the module. */
  readonly exportNames: ReadonlyMap<string, string>;
  /** SDK files behind the globals of AssemblyScript's library: `abort=abi/abort/abort`. */
  readonly globals: readonly string[];
  /** SDK file that answers the library's `bindings/dom`. */
  readonly dom: string;
  /** Text of the file that joins the user's file to the world; `entry` is an import path. */
  glue(entry: string): string;
}

const handler: World = {
  name: 'handler',
  form: 'component',
  exports: [
    {
      name: 'handle',
      declaration:
        'import { Message, Reply, reply } from "motehost:agent";\n' +
        '  export function handle(message: Message): Reply { return reply("…"); }',
    },
  ],
  start: '_initialize',
  exportNames: new Map([
    ['__handle', 'handle'],
    ['__post_handle', 'cabi_post_handle'],
  ]),
  globals: ['abort=abi/abort/abort', 'seed=abi/entropy/seed', 'trace=abi/trace/trace'],
  dom: 'std/agent-dom.ts',
  glue: (entry) => `
import { handle } from ${JSON.stringify(entry)};
import { give } from "motehost-sdk/abi/memory";
import { liftMessage } from "motehost-sdk/bindings/types";
import { giveReply, lowerReply } from "motehost-sdk/worlds/handler";
import "motehost-sdk/abi/abort";
import "motehost-sdk/abi/entropy";
import "motehost-sdk/abi/trace";
export { cabi_realloc } from "motehost-sdk/abi/memory";
export function __handle(at: usize): usize {
  const message = liftMessage(at);
  give(at);
  return lowerReply(handle(message));
}
export function __post_handle(at: usize): void { giveReply(); }
`,
};

const command: World = {
  name: 'command',
  form: 'core',
  exports: [
    {
      name: 'main',
      declaration: 'export function main(): i32 { return 0; }',
    },
  ],
  start: '_start',
  exportNames: new Map(),
  globals: ['abort=command/abort/abort', 'seed=command/entropy/seed', 'trace=command/trace/trace'],
  dom: 'std/command-dom.ts',
  glue: (entry) => `
import { main } from ${JSON.stringify(entry)};
import { exit } from "motehost-sdk/command";
import "motehost-sdk/command/abort";
import "motehost-sdk/command/entropy";
import "motehost-sdk/command/trace";
const code: i32 = main();
if (code != 0) exit(code);
`,
};

export const worlds: Readonly<Record<World['name'], World>> = { handler, command };
