import { readFileSync } from 'node:fs';
import { writeChanged } from '../../build/own-file.ts';
import type { Target } from '../../build/target.ts';
import { type WitDocs, witDocs } from '../../build/wit-docs.ts';
import { declarationsOf } from './bindings/generate.ts';
import type { Home, Model } from './bindings/model.ts';
import { type Program, programOf } from './program.ts';
import { sdkPackage, sdkSources } from './sdk-sources.ts';

/** Where an agent's folder keeps what editors need; made again by every build, never edited. */
export const editorFolder = 'build/editor';

/** Import path of the user's own file in declarations. */
const userEntry = 'motehost:user';

/** The `tsconfig.json` that makes editors understand AssemblyScript and imports by WIT name. */
export function editorConfig(entry: string): string {
  const config = {
    compilerOptions: {
      target: 'esnext',
      module: 'esnext',
      moduleResolution: 'bundler',
      noLib: true,
      noEmit: true,
      strict: true,
      strictPropertyInitialization: false,
      experimentalDecorators: true,
      skipLibCheck: true,
      types: [],
      paths: {
        [userEntry]: [`./${entry}`],
        'motehost:agent': [`./${editorFolder}/agent.ts`],
        'motehost:command': [`./${editorFolder}/sdk/command.ts`],
        [`${sdkPackage}/*`]: [`./${editorFolder}/sdk/*`],
      },
    },
    include: ['assembly', `${editorFolder}/*.d.ts`],
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** Puts declarations of the world, the SDK's sources and AssemblyScript's own types where `editorConfig` looks for them. */
export function writeEditorFiles(folder: string, target: Target): string[] {
  const types = new URL('../std/assembly/index.d.ts', import.meta.resolve('assemblyscript'));
  const program = programOf(target, userEntry);
  const files = new Map([
    ['assemblyscript.d.ts', readFileSync(types, 'utf8')],
    ['world.d.ts', worldDeclarations(program, target.kind === 'world' ? witDocs(target.wit) : new Map())],
    ['sdk/tuple.ts', program.resolve(`${sdkPackage}/tuple`) ?? ''],
    ...[...sdkSources()]
      .filter(([file]) => !file.startsWith('std/'))
      .map(([file, text]) => [`sdk/${file}`, text] as const),
  ]);
  const agent = program.resolve('motehost:agent');
  if (agent !== undefined) files.set('agent.ts', agent);
  for (const [file, text] of files) writeChanged(folder, `${editorFolder}/${file}`, text);
  return [...files.keys()].map((file) => `${editorFolder}/${file}`);
}

/** Every module that can be imported by WIT name, as ambient declarations. */
function worldDeclarations(program: Program, docs: WitDocs): string {
  const std = [
    ambient('motehost:std', program.resolve('motehost:std') ?? ''),
    ambient('motehost:msgpack', program.resolve('motehost:msgpack') ?? ''),
    jsonDeclarations,
    globalDeclarations,
  ].join('\n');
  const { bindings } = program;
  if (bindings === undefined) return std;
  const { model } = bindings;
  return [std, ...model.homes.flatMap((home) => declarations(model, home, program, docs))].join('\n');
}

/** What every number and bool has in AssemblyScript, and its own declarations leave out. */
const globalDeclarations = `interface Number {
  toString(radix?: i32): string;
}
interface Boolean {
  toString(): string;
}
`;

const jsonDeclarations = `declare module "motehost:json" {
  export namespace JSON {
    /** A value of a class with \`@json\`, a number, text, list or map; ends the instance when the text is none. */
    function parse<T>(text: string): T;
    function stringify<T>(value: T): string;
  }
  /** Whether a text is JSON at all: ask before you parse what somebody else wrote. */
  export function isJson(text: string): bool;
}
/** Makes a class one that JSON knows. */
declare function json(target: Function): void;
`;

function declarations(model: Model, home: Home, program: Program, docs: WitDocs): string[] {
  if (home.types.length === 0 && home.functions.length === 0) return [];
  const text = declarationsOf(model, home, userEntry, docs).replaceAll('export declare ', 'export ');
  const plain = home.specifier.replace(/@.*/, '');
  const alias = plain === home.specifier ? undefined : program.resolve(plain);
  return [ambient(home.specifier, text), ...(alias === undefined ? [] : [ambient(plain, alias)])];
}

function ambient(name: string, text: string): string {
  return `declare module "${name}" {\n${text.trimEnd().replace(/^(?=.)/gm, '  ')}\n}\n`;
}
