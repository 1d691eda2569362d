import type { Target, WorldTarget } from '../../build/target.ts';
import { type Bindings, generateBindings } from './bindings/generate.ts';
import type { Home } from './bindings/model.ts';
import { tuplesText } from './bindings/tuples.ts';
import { expectedExports } from './expected.ts';
import { readPackageSource } from './json.ts';
import { readSdkSource, sdkPackage } from './sdk-sources.ts';

/** What joins a user's file to what it is built for. */
export interface Program {
  /** For people: `handler`. */
  readonly title: string;
  /** Text of the file that the compiler begins with. */
  readonly glue: string;
  /** Name of the module's start function. */
  readonly start: '_initialize' | '_start';
  /** New names for functions the glue exports. */
  readonly exportNames: readonly (readonly [from: string, to: string])[];
  /** SDK files behind the globals of AssemblyScript's library: `abort=abi/abort/abort`. */
  readonly globals: readonly string[];
  /** SDK file that answers the library's `bindings/dom`. */
  readonly dom: string;
  /** Core imports the module may have; undefined: any of the world's, which the toolchain checks by name and type. */
  readonly importModules: ReadonlySet<string>;
  /** What can be imported by name, for people. */
  readonly specifiers: readonly string[];
  /** Texts of modules by the name sources import them by, and of generated files. */
  resolve(name: string): string | undefined;
  /** The export that a place in the glue is about, with what it must look like. */
  expectedAt(offset: number): Expected | undefined;
  /** Of a component. */
  readonly bindings?: Bindings;
}

/** An export that the user's file must have. */
export interface Expected {
  /** `handle`, `routing.Router.add`. */
  readonly name: string;
  /** AssemblyScript that would do. */
  readonly declaration: string;
}

/** @param userEntry import path of the user's file: `./assembly/index` */
export function programOf(target: Target, userEntry: string): Program {
  return target.kind === 'command' ? commandProgram(userEntry) : worldProgram(target, userEntry);
}

const stdModules: Readonly<Record<string, string>> = {
  'motehost:std': `export * from "${sdkPackage}/result";\nexport * from "${sdkPackage}/tuple";\nexport { Future, all } from "${sdkPackage}/future";\n`,
  'motehost:json': `export { JSON } from "json-as/assembly/index";\nexport { isJson } from "${sdkPackage}/json";\n`,
  'motehost:msgpack': `export * from "${sdkPackage}/msgpack";\n`,
};

function commandProgram(userEntry: string): Program {
  const modules: Readonly<Record<string, string>> = {
    ...stdModules,
    'motehost:command': `export * from "${sdkPackage}/command";\n`,
    [`${sdkPackage}/tuple`]: tuplesText(0),
  };
  const main = { name: 'main', declaration: 'export function main(): i32 { return 0; }' };
  return {
    title: 'command',
    glue: `
import { main } from "${userEntry}";
import { exit } from "${sdkPackage}/command";
import "${sdkPackage}/command/abort";
import "${sdkPackage}/command/entropy";
import "${sdkPackage}/command/trace";
const code: i32 = main();
if (code != 0) exit(code);
`,
    start: '_start',
    exportNames: [],
    globals: ['abort=command/abort/abort', 'seed=command/entropy/seed', 'trace=command/trace/trace'],
    dom: 'std/command-dom.ts',
    importModules: new Set(['wasi_snapshot_preview1']),
    specifiers: ['motehost:command', ...Object.keys(stdModules)],
    resolve: (name) => modules[name],
    expectedAt: () => main,
  };
}

function worldProgram(target: WorldTarget, userEntry: string): Program {
  const bindings = generateBindings(target.world, target.name, userEntry);
  const { model } = bindings;
  const tuplesMax = Math.max(0, ...model.defs.map((def) => (def.kind === 'tuple' ? def.types.length : 0)));
  const imported = model.homes.filter(({ direction }) => direction === 'import');
  const modules = new Map([
    ...Object.entries(missing),
    ...Object.entries(stdModules),
    ...aliases(model.homes),
    ...bindings.modules,
    [`${sdkPackage}/tuple`, tuplesText(tuplesMax)],
    ['motehost:agent', agentModule(imported)],
  ]);
  const hasLog = has(imported, logInterface);
  const abort = hasLog ? 'abi/abort' : 'abi/abort-silent';
  const prefix = [abort, 'abi/entropy', 'abi/trace']
    .map((file) => `import "${sdkPackage}/${file}";\n`)
    .join('');
  const expected = expectedExports(bindings);
  return {
    title: target.name,
    glue: prefix + bindings.glue + collectFirst,
    start: '_initialize',
    exportNames: bindings.exportNames,
    globals: [`abort=${abort}/abort`, 'seed=abi/entropy/seed', 'trace=abi/trace/trace'],
    dom: 'std/agent-dom.ts',
    importModules: importModules(model.homes),
    specifiers: specifiersOf(model.homes),
    resolve: (name) => modules.get(name),
    expectedAt: (offset) => {
      const shift = offset - prefix.length;
      const index = bindings.exports.findIndex(({ start, end }) => shift >= start && shift < end);
      return expected[index];
    },
    bindings,
  };
}

/**
 * The collector first looks when half of the page is used. After a look over nothing it comes when what is used has
 * doubled, as it does later, and an agent of a few objects stays small from the start.
 */
const collectFirst = '__collect();\n';

const logInterface = 'motehost:agent/log@0.1.0';

function has(homes: readonly Home[], name: string): boolean {
  return homes.some(({ specifier }) => specifier === name || specifier.replace(/@.*/, '') === name);
}

function importModules(homes: readonly Home[]): ReadonlySet<string> {
  return new Set([
    '$root',
    '[export]$root',
    ...homes.flatMap(({ specifier }) => {
      const name = specifier.replace(/^exports:/, '');
      return [name, `[export]${name}`];
    }),
  ]);
}

/** Names without version, where that leaves no doubt. */
function aliases(homes: readonly Home[]): [string, string][] {
  const plain = (name: string): string => name.replace(/@.*/, '');
  return homes.flatMap(({ specifier }): [string, string][] => {
    const isAlone = homes.filter((other) => plain(other.specifier) === plain(specifier)).length === 1;
    return isAlone && plain(specifier) !== specifier
      ? [[plain(specifier), `export * from "${specifier}";\n`]]
      : [];
  });
}

function specifiersOf(homes: readonly Home[]): string[] {
  const own = homes
    .filter(
      ({ types, functions, direction }) =>
        types.length > 0 || (direction === 'import' && functions.length > 0),
    )
    .map(({ specifier }) => specifier);
  return ['motehost:agent', ...own, ...Object.keys(stdModules)];
}

/** `motehost:agent`: what an agent needs under one name, as far as its world has it. */
function agentModule(homes: readonly Home[]): string {
  const lines = [`export { Box, Result, Unit, done } from "${sdkPackage}/result";`];
  const namespace = (name: string, from: string): void => {
    lines.push(`import * as ${name} from "${from}";`, `export { ${name} };`);
  };
  namespace('utf8', `${sdkPackage}/agent/utf8`);
  if (has(homes, 'motehost:agent/types'))
    lines.push(
      'export * from "motehost:agent/types";',
      `export { Reply, fail, noReply, payload, reply } from "${sdkPackage}/agent/reply";`,
    );
  if (has(homes, 'motehost:agent/health')) lines.push('export { Probe } from "motehost:agent/health";');
  if (has(homes, 'motehost:agent/async-bus')) {
    lines.push(`export { Future, all } from "${sdkPackage}/future";`);
    namespace('asyncBus', `${sdkPackage}/agent/async-bus`);
  }
  if (has(homes, 'motehost:agent/async-orchestration'))
    namespace('asyncOrchestration', `${sdkPackage}/agent/async-orchestration`);
  for (const name of ['bus', 'context', 'log', 'orchestration', 'ties', 'tools'])
    if (has(homes, `motehost:agent/${name}`)) namespace(name, `${sdkPackage}/agent/${name}`);
  if (has(homes, 'wasi:random/random')) namespace('random', 'wasi:random/random');
  return `${lines.join('\n')}\n`;
}

/** What the SDK itself imports and a world may lack: using it is then an error that says what to import. */
const missing: Readonly<Record<string, string>> = {
  'motehost:agent/log': absent(
    'console and trace',
    'motehost:agent/log@0.1.0',
    'export enum Level { trace, debug, info, warn, error }\nexport class Field {}\nexport function write(level: Level, text: string, fields: Field[]): void',
    '',
  ),
  'wasi:clocks/wall-clock': absent(
    'Date',
    'wasi:clocks/wall-clock@0.2.0',
    'export class Datetime { seconds: u64; nanoseconds: u32; }\nexport function now(): Datetime',
    'return new Datetime();',
  ),
  'wasi:clocks/monotonic-clock': absent(
    'performance and console.time',
    'wasi:clocks/monotonic-clock@0.2.0',
    'export function now(): u64',
    'return 0;',
  ),
  'wasi:random/random': `${absent('Math.random', 'wasi:random/random@0.2.0', 'export function getRandomU64(): u64', 'return 0;')}${absent(
    'crypto.getRandomValues',
    'wasi:random/random@0.2.0',
    'export function getRandomBytes(len: u64): Uint8Array',
    'return new Uint8Array(0);',
  )}`,
};

function absent(what: string, wanted: string, head: string, end: string): string {
  return `${head} { ERROR("${what} needs 'import ${wanted};' in the world"); ${end} }\n`;
}

/** A file of the SDK or a generated one, as the compiler asks for it, with `.ts`; or null. */
export function libraryText(program: Program, name: string): string | null {
  if (name === 'bindings/dom.ts') return readSdkSource(program.dom);
  if (name === 'rt/index-incremental.ts') return `import "${sdkPackage}/rt/runtime";\n`;
  const plain = name.replace(/\.ts$/, '');
  const generated = program.resolve(plain);
  if (generated !== undefined) return generated;
  if (name.startsWith(`${sdkPackage}/`)) return readSdkSource(name.slice(sdkPackage.length + 1));
  return readPackageSource(name);
}
