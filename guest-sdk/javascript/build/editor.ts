import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import type { World } from '../../../host/engine/component/world.ts';
import type { Project } from '../../build/language.ts';
import { writeChanged } from '../../build/own-file.ts';
import type { WorldTarget } from '../../build/target.ts';
import { witDocs } from '../../build/wit-docs.ts';
import { isCommand } from './command.ts';
import { declarationsOf, worldModule } from './declarations.ts';

/** Where a project keeps what editors and the type check need; made again by every build, never edited. */
export const typesFolder = 'build/types';

const declarationsFolder = join(
  dirname(findPackageJSON(import.meta.url) as string),
  'guest-sdk/javascript/types',
);
/** Declarations of what every program has, and of what commands have besides. */
const globalsFile = join(declarationsFolder, 'globals.d.ts');
const commandFile = join(declarationsFolder, 'command.d.ts');

export const declarationFiles: readonly string[] = [globalsFile, commandFile];

/** The `tsconfig.json` that makes editors understand a project. */
export function editorConfig(): string {
  return json({
    compilerOptions,
    include: ['**/*.ts'],
    exclude: ['node_modules', `${typesFolder}/check.ts`],
  });
}

const compilerOptions = {
  target: 'esnext',
  module: 'esnext',
  moduleResolution: 'bundler',
  lib: ['esnext'],
  types: [],
  strict: true,
  noEmit: true,
  allowImportingTsExtensions: true,
  isolatedModules: true,
  resolveJsonModule: true,
  skipLibCheck: true,
};

/** Writes the world's declarations and what checks the entry file against them. */
export function writeTypes(project: Project, { world, wit }: WorldTarget): readonly string[] {
  const up = '../'.repeat(typesFolder.split('/').length);
  const files = new Map([
    ['world.d.ts', `${declarationsOf(world, witDocs(wit))}${agentDeclarations(world)}`],
    ['globals.d.ts', readFileSync(globalsFile, 'utf8')],
    ...(isCommand(world) ? [['command.d.ts', readFileSync(commandFile, 'utf8')] as const] : []),
    ['check.ts', checkText(`${up}${project.entry}`)],
    ['tsconfig.json', json({ compilerOptions, include: [`${up}${project.entry}`, '*.d.ts', 'check.ts'] })],
  ]);
  return [...files].map(([name, text]) => {
    const path = `${typesFolder}/${name}`;
    writeChanged(project.folder, path, text);
    return path;
  });
}

function checkText(entry: string): string {
  return `import * as program from '${entry}';
import type { Exports } from '${worldModule}';

program satisfies Exports;
`;
}

/** The module `motehost:agent`, as far as the world has what it stands on. */
function agentDeclarations({ imports }: World): string {
  const find = (plain: string): string | undefined =>
    imports.find(({ name }) => name === plain || name.startsWith(`${plain}@`))?.name;
  const types = find('motehost:agent/types');
  const namespaces = ['bus', 'context', 'orchestration', 'ties', 'tools'].flatMap((key) => {
    const name = find(`motehost:agent/${key}`);
    return name === undefined ? [] : [`  export * as ${key} from '${name}';`];
  });
  const random = find('wasi:random/random');
  return [
    '',
    "declare module 'motehost:agent' {",
    "  export { CallError, Failure, fail, noReply, payload, reply, utf8 } from 'motehost:agent-sdk';",
    ...(find('motehost:agent/log') === undefined ? [] : ["  export { log } from 'motehost:agent-sdk';"]),
    ...namespaces,
    ...(random === undefined ? [] : [`  export * as random from '${random}';`]),
    ...(types === undefined ? [] : [`  export type { ${typeNames(imports, types)} } from '${types}';`]),
    '}',
    '',
  ].join('\n');
}

/** The world's own types under their names; `Failure` is the SDK's, which fits the world's. */
function typeNames(imports: World['imports'], owner: string): string {
  const item = imports.find(({ name }) => name === owner);
  const names = item?.kind === 'interface' ? item.interface.types.map(({ name }) => name) : [];
  const title = (name: string): string =>
    name.replace(/(^|-)(\w)/g, (_, __, letter: string) => letter.toUpperCase());
  return names
    .map(title)
    .filter((name) => name !== 'Failure')
    .join(', ');
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
