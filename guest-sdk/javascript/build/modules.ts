import { partsOf, type TypeDef, type TypeRef } from '../../../host/engine/component/types.ts';
import type { World } from '../../../host/engine/component/world.ts';
import type { WorldTarget } from '../../build/target.ts';
import { commandModule, isCommand } from './command.ts';
import { engineName } from './engine-names.ts';
import { preludeFiles } from './prelude.ts';
import { type InterfaceData, type WorldData, worldData, worldInterface } from './world-data.ts';

/** Modules that exist in no file: the world's interfaces, the SDK, and the entry that joins the program to both. */
export interface Modules {
  /** The id of an import by name, or undefined for any other. `isOwn`: the importing module is one of these. */
  resolve(specifier: string, isOwn: boolean): Resolved | undefined;
  load(id: string): string | undefined;
  /** Names that an import may use, for people. */
  readonly names: readonly string[];
}

export interface Resolved {
  readonly id: string;
  readonly external: boolean;
}

/** Ids of these modules begin with it; bundlers take such for modules that are nobody else's. */
const mark = '\0motehost:';
const enginePrefix = 'motehost-engine:';
const preludePrefix = 'motehost-prelude:';
const agentModule = 'motehost:agent';

/** Where the prelude finds the table of places in the sources, under `Symbol.for`. */
export const placesSymbol = 'motehost.places';

export const glueId: string = `${mark}glue`;

/** Interfaces behind globals that every program has. */
export const globalInterfaces = {
  log: 'motehost:agent/log',
  random: 'wasi:random/random',
  clock: 'wasi:clocks/wall-clock',
  stdout: 'wasi:cli/stdout',
  stderr: 'wasi:cli/stderr',
};

export function isVirtual(id: string): boolean {
  return id.startsWith(mark);
}

/** @param entry path of the program's entry file */
export function modulesFor({ world, name }: WorldTarget, entry: string): Modules {
  const data = worldData(world);
  const interfaces = Object.keys(data.imports).filter((one) => one !== worldInterface);
  const find = (specifier: string): string | undefined =>
    interfaces.find((one) => one === specifier || withoutVersion(one) === specifier);
  const texts = new Map<string, () => string>([
    ['glue', () => glueText(data, entry, isCommand(world))],
    ['globals', () => globalsText(find, isCommand(world))],
    ['world', () => `export default ${JSON.stringify(data)};\n`],
    ['binding', () => bindingText()],
    ['agent', () => agentText(find)],
    ['root', () => interfaceText(data.imports[worldInterface], worldInterface)],
    ...interfaces.map((one) => [one, () => interfaceText(data.imports[one], one)] as const),
    ...[...preludeFiles()].map(([file, text]) => [`prelude/${file}`, () => text] as const),
  ]);
  return {
    resolve: (specifier, isOwn) => {
      const own = isOwn ? resolveOwn(specifier) : undefined;
      if (own !== undefined) return own;
      if (specifier === agentModule) return virtual('agent');
      if (specifier === commandModule && isCommand(world)) return virtual('prelude/command.js');
      if (worldInterface in data.imports && [name, withoutVersion(name)].includes(specifier))
        return virtual('root');
      const found = find(specifier);
      return found === undefined ? undefined : virtual(found);
    },
    load: (id) => texts.get(id.slice(mark.length))?.(),
    names: [
      agentModule,
      ...(isCommand(world) ? [commandModule] : []),
      ...interfaces,
      ...(worldInterface in data.imports ? [name] : []),
    ],
  };
}

/** The imported interfaces a program needs: those it names, and those whose resources come with them. */
export function neededInterfaces(world: World, named: Iterable<string>): Set<string> {
  const needed = new Set<string>();
  const visit = (name: string): void => {
    if (needed.has(name)) return;
    needed.add(name);
    const item = world.imports.find((one) => one.kind === 'interface' && one.name === name);
    if (item?.kind !== 'interface') return;
    const types = item.interface.functions.flatMap(({ type }) => [
      ...type.params.map((param) => param.type),
      type.result,
    ]);
    for (const owner of resourceOwners(world.types, types)) visit(owner);
  };
  for (const name of named) visit(name);
  return needed;
}

function resourceOwners(defs: readonly TypeDef[], refs: readonly (TypeRef | undefined)[]): Set<string> {
  const owners = new Set<string>();
  const seen = new Set<number>();
  const visit = (ref: TypeRef | undefined): void => {
    if (typeof ref !== 'number' || seen.has(ref)) return;
    seen.add(ref);
    const def = defs[ref] as TypeDef;
    if (def.kind === 'resource' && def.owner !== undefined) owners.add(def.owner);
    for (const part of partsOf(def)) visit(part);
  };
  for (const ref of refs) visit(ref);
  return owners;
}

const virtual = (name: string): Resolved => ({ id: mark + name, external: false });

function resolveOwn(specifier: string): Resolved | undefined {
  if (specifier.startsWith(enginePrefix))
    return { id: engineName(specifier.slice(enginePrefix.length)), external: true };
  if (specifier.startsWith(preludePrefix)) return virtual(`prelude/${specifier.slice(preludePrefix.length)}`);
  if (/^\.\/[\w-]+\.js$/.test(specifier)) return virtual(`prelude/${specifier.slice(2)}`);
  return specifier.startsWith(mark) ? { id: specifier, external: false } : undefined;
}

function bindingText(): string {
  return [
    `import world from ${JSON.stringify(`${mark}world`)};`,
    `import { Binding } from '${preludePrefix}binding.js';`,
    'export const binding = /*#__PURE__*/ new Binding(world);',
  ].join('\n');
}

/** A module for an imported interface: its functions and classes by name, and all of them as default. */
function interfaceText(data: InterfaceData | undefined, name: string): string {
  const keys = (data?.functions ?? []).flatMap(({ kind, key }) => (kind === 'function' ? [key] : []));
  const all = [...keys, ...(data?.resources ?? []).map(([, className]) => className)];
  const raw =
    name === worldInterface
      ? 'const raw = globalThis;'
      : `import * as raw from ${JSON.stringify(enginePrefix + name)};`;
  return [
    `import { binding } from ${JSON.stringify(`${mark}binding`)};`,
    raw,
    `const bound = /*#__PURE__*/ binding.interface(${JSON.stringify(name)}, raw);`,
    'export default bound;',
    // Names of functions may be words of the language.
    ...all.map((key, index) => `const member${index} = bound.${key};`),
    `export { ${all.map((key, index) => `member${index} as ${key}`).join(', ')} };`,
  ].join('\n');
}

function agentText(find: (name: string) => string | undefined): string {
  const namespaces = [
    ['bus', 'motehost:agent/bus'],
    ['context', 'motehost:agent/context'],
    ['orchestration', 'motehost:agent/orchestration'],
    ['ties', 'motehost:agent/ties'],
    ['tools', 'motehost:agent/tools'],
    ['random', 'wasi:random/random'],
  ].filter(([, name = '']) => find(name) !== undefined);
  return [
    `export { fail, noReply, payload, reply } from '${preludePrefix}reply.js';`,
    `export { CallError, Failure } from '${preludePrefix}failure.js';`,
    `export * as utf8 from '${preludePrefix}utf8.js';`,
    ...(find(globalInterfaces.log) === undefined ? [] : [`export * as log from '${preludePrefix}log.js';`]),
    ...namespaces.map(([key, name]) => `export * as ${key} from ${JSON.stringify(name)};`),
  ].join('\n');
}

/** What globals stand on, handed to the prelude before anything else is evaluated. */
function globalsText(find: (name: string) => string | undefined, isProgram: boolean): string {
  const { log, random, clock } = globalInterfaces;
  const logName = find(log);
  return [
    `import { state } from '${preludePrefix}state.js';`,
    `import { places } from '${preludePrefix}stack.js';`,
    `import { install } from '${preludePrefix}globals.js';`,
    ...(logName === undefined
      ? []
      : [`import * as log from ${JSON.stringify(enginePrefix + logName)};`, 'state.rawLog = log;']),
    ...(find(random) === undefined
      ? []
      : [`import * as random from ${JSON.stringify(random)};`, 'state.random = random;']),
    ...(logName === undefined && find(globalInterfaces.stderr) !== undefined ? streamLines(isProgram) : []),
    `state.hasClock = ${find(clock) !== undefined};`,
    `globalThis[Symbol.for('${placesSymbol}')] = places;`,
    'install();',
  ].join('\n');
}

/** Standard streams take the lines of worlds without a log; standard output is for commands, which have a use for it. */
function streamLines(isProgram: boolean): string[] {
  const { stdout, stderr } = globalInterfaces;
  return [
    `import { Output } from '${preludePrefix}streams.js';`,
    `import { getStderr } from ${JSON.stringify(stderr)};`,
    'state.stderr = new Output(getStderr);',
    ...(isProgram
      ? [`import { getStdout } from ${JSON.stringify(stdout)};`, 'state.stdout = new Output(getStdout);']
      : []),
  ];
}

/** The program's entry: globals first, then the program, then what the world calls. */
function glueText(data: WorldData, entry: string, isProgram: boolean): string {
  const keys = [...data.exports.functions, ...data.exports.interfaces].map(({ key }) => key);
  return [
    `import ${JSON.stringify(`${mark}globals`)};`,
    `import { binding } from ${JSON.stringify(`${mark}binding`)};`,
    `import * as written from ${JSON.stringify(entry)};`,
    ...(isProgram
      ? [
          `import { required } from '${preludePrefix}binding.js';`,
          `import { runner } from '${preludePrefix}command.js';`,
          "const program = { run: runner(required(written, 'main', 'main')) };",
        ]
      : ['const program = written;']),
    'const exported = binding.exports(program);',
    ...keys.map((key, index) => `const export${index} = exported.${key};`),
    `export { ${keys.map((key, index) => `export${index} as ${key}`).join(', ')} };`,
  ].join('\n');
}

function withoutVersion(name: string): string {
  return name.replace(/@.*$/, '');
}
