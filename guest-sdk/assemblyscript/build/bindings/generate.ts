import type { World } from '../../../../host/engine/component/world.ts';
import type { WitDocs } from '../../../build/wit-docs.ts';
import { type AbiCode, abiModule, type ExportCode, tasks } from './abi-module.ts';
import { abiFile, futureFile, futures, homeModule } from './home-module.ts';
import { type Home, type Model, modelOf } from './model.ts';

/** A world as AssemblyScript: everything between the user's file and the core module's border. */
export interface Bindings {
  readonly model: Model;
  /** Texts of the modules that sources import by WIT name, and of the border, by specifier or file. */
  readonly modules: ReadonlyMap<string, string>;
  /** The entry file: it exports what the world exports, calling the user's file. */
  readonly glue: string;
  /** Names of the glue's functions, and those they take in the core module, in order. */
  readonly exportNames: readonly (readonly [from: string, to: string])[];
  /** Which part of the glue belongs to which export. */
  readonly exports: readonly (ExportCode & { readonly start: number; readonly end: number })[];
}

/**
 * Bindings for a world.
 * @param worldName the world's full name
 * @param userEntry import path of the user's file: `./assembly/index`
 * @throws HostError `HOST_ERR_WIT_INVALID` naming what AssemblyScript cannot have
 */
export function generateBindings(world: World, worldName: string, userEntry: string): Bindings {
  const model = modelOf(world, worldName);
  const abi = abiModule(model, fromLibrary(abiFile, userEntry));
  const modules = new Map([[abiFile, abi.module]]);
  for (const home of model.homes) {
    const file = fileOf(home);
    modules.set(file, homeModule(model, home, 'source', fromLibrary(file, userEntry)));
    if (file !== home.specifier) modules.set(home.specifier, `export * from "${file}";\n`);
  }
  return { model, modules, ...glueOf(model, abi, userEntry) };
}

/** Declarations of one module, for editors. */
export function declarationsOf(model: Model, home: Home, userEntry: string, docs: WitDocs): string {
  return homeModule(model, home, 'declarations', userEntry, docs);
}

/**
 * Where a module's text lies. What the compiler finds at the top of its library it makes known everywhere, so that
 * two inline interfaces could not have types of one name, nor one a `date`: these lie a folder deeper.
 */
function fileOf({ specifier }: Home): string {
  return specifier.includes('/') ? specifier : `motehost-world/inline/${specifier}`;
}

/** Generated modules are in the compiler's library, one folder aside from the user's files. */
function fromLibrary(file: string, userEntry: string): string {
  return '../'.repeat(file.split('/').length) + userEntry.replace(/^\.\//, '');
}

function glueOf(model: Model, abi: AbiCode, userEntry: string): Omit<Bindings, 'model' | 'modules'> {
  let text = [
    `import * as __user from "${userEntry}";`,
    `import * as __abi from "${abiFile}";`,
    ...model.homes.map(({ alias, specifier }) => `import * as ${alias} from "${specifier}";`),
    'import { Box, Result, Unit } from "motehost-sdk/result";',
    `import { ${abiNames(abi)} } from "${abiFile}";`,
    'import { give, hold, liftNumbers, liftPlain, liftString, listOf, numbersOf, storeNumbers, storePlain, storeText, wrongLength } from "motehost-sdk/abi/memory";',
    'import { endBorrows } from "motehost-sdk/abi/resource";',
    `import { ${[...new Set(abi.exports.flatMap((one) => one.text.match(/\bTuple\d+\b/g) ?? []))].join(', ') || 'Tuple1'} } from "motehost-sdk/tuple";`,
    ...(abi.exports.some(({ hasCallback }) => hasCallback)
      ? [
          `import * as ${futures} from "${futureFile}";`,
          `import * as ${tasks} from "motehost-sdk/abi/task";`,
          'export { taskEvent } from "motehost-sdk/abi/task";',
        ]
      : []),
    // Not exported in vain: the world may have a function of that name.
    `export { cabi_realloc${abi.exports.some(({ hasPost }) => hasPost) ? ', post' : ''} } from "motehost-sdk/abi/memory";`,
    '',
  ].join('\n');
  const exports = abi.exports.map((one) => {
    const start = text.length;
    text += one.text;
    return { ...one, start, end: text.length };
  });
  const destructors = abi.destructors.map(({ name }) => `export { ${name} } from "${abiFile}";\n`).join('');
  return { glue: text + destructors, exports, exportNames: exportNames(abi) };
}

/** What the glue calls of the border's module. */
function abiNames(abi: AbiCode): string {
  const known = new Set(
    [...abi.module.matchAll(/^export (?:declare )?(?:function|const) (\w+)/gm)].map(([, name]) => name),
  );
  const used = abi.exports.flatMap(({ text }) => text.match(/\b[a-zA-Z]\w*\b/g) ?? []);
  return [...new Set(used.filter((name) => known.has(name)))].join(', ') || 'area';
}

function exportNames(abi: AbiCode): (readonly [string, string])[] {
  const posts = abi.exports.filter(({ hasPost }) => hasPost);
  const callbacks = abi.exports.filter(({ hasCallback }) => hasCallback);
  return [
    ...abi.exports.map(
      ({ name, func, hasCallback }) =>
        [name, hasCallback ? `[async-lift]${func.core.name}` : func.core.name] as const,
    ),
    ...callbacks.map(({ func }) => ['taskEvent', `[callback][async-lift]${func.core.name}`] as const),
    ...posts.map(({ func }) => ['post', `cabi_post_${func.core.name}`] as const),
    ...abi.destructors.map(({ name, core }) => [name, core] as const),
  ];
}
