import {
  asyncSignature,
  type CoreSignature,
  coreSignature,
} from '../../../../host/engine/component/layout.ts';
import { type FuncType, partsOf, type TypeRef } from '../../../../host/engine/component/types.ts';
import { coreTypes, Emitter } from './emitter.ts';
import { futureFile, futureOf, futures, isUserClass, userClass } from './home-module.ts';
import { liftFlat, liftMemory } from './lift.ts';
import { lowerFlat, lowerMemory } from './lower.ts';
import type { Func, Home, Model, Place } from './model.ts';

/** One export of the core module and what the user must have written for it. */
export interface ExportCode {
  readonly func: Func;
  readonly home: Home;
  /** The function's name in the glue. */
  readonly name: string;
  readonly text: string;
  /** Whether the host calls a `cabi_post_…` after it has read the result. */
  readonly hasPost: boolean;
  /** Whether it is asynchronous: the host then calls a `[callback]…` with what happens. */
  readonly hasCallback: boolean;
}

export interface AbiCode {
  /** The text of `abiFile`: what imports call, and what exports use. */
  readonly module: string;
  readonly exports: readonly ExportCode[];
  /** Functions behind `[dtor]r`: name in the glue, and in the core module. */
  readonly destructors: readonly { readonly name: string; readonly core: string }[];
}

const memoryNames =
  'give hold liftNumbers liftPlain liftString listOf newList numbersOf release setItem storeNumbers storePlain storeText temp wrongLength'.split(
    ' ',
  );

/** Every crossing of the border that a world has, as AssemblyScript. */
export function abiModule(model: Model, userEntry: string): AbiCode {
  const emitter = new Emitter(model, memoryNames);
  const imports = model.homes
    .filter(({ direction }) => direction === 'import')
    .flatMap((home) => home.functions.map((func) => importCode(emitter, func)));
  const exports = model.homes
    .filter(({ direction }) => direction === 'export')
    .flatMap((home) => home.functions.map((func) => exportCode(emitter, home, func)));
  const resources = model.defs.flatMap((def, ref) =>
    def.kind === 'resource' && model.places.has(ref) ? [resourceCode(model, ref)] : [],
  );
  const head = [
    `import { ${memoryNames.join(', ')} } from "motehost-sdk/abi/memory";`,
    'import { borrowed, forget, keep, kept } from "motehost-sdk/abi/resource";',
    'import { Box, Result, Unit } from "motehost-sdk/result";',
    `import { ${tupleNames(model)} } from "motehost-sdk/tuple";`,
    ...model.homes.map(({ alias, specifier }) => `import * as ${alias} from "${specifier}";`),
    ...(model.homes.some(({ functions }) => functions.some(({ type }) => type.async === true))
      ? [`import * as ${futures} from "${futureFile}";`, `import * as ${tasks} from "motehost-sdk/abi/task";`]
      : []),
    ...(model.homes.some(({ types }) =>
      types.some(({ ref }) => typeof ref === 'number' && isUserClass(model, ref)),
    )
      ? [`import * as __user from "${userEntry}";`]
      : []),
    '',
    '/** Where results lie that do not fit a register: read before the next crossing. */',
    `export const area: usize = memory.data(${areaBytes(model)}, 8);`,
    '/** The end of a program that asks a variant for what another case carries. */',
    'export function wrongCase(): void { throw new Error("the variant is another case"); }',
  ];
  const module = [
    ...head,
    ...resources.map(({ text }) => text),
    ...emitter.functions.map(exported),
    ...imports,
  ].join('\n');
  return {
    module,
    exports,
    destructors: resources.flatMap(({ destructor }) => (destructor === undefined ? [] : [destructor])),
  };
}

/** How generated modules name the SDK's part of the asynchronous ABI. */
export const tasks = '__task';

const exported = (text: string): string => `export ${text}`;

function tupleNames({ defs }: Model): string {
  const sizes = new Set(defs.flatMap((def) => (def.kind === 'tuple' ? [def.types.length] : [])));
  return [...sizes].map((size) => `Tuple${size}`).join(', ') || 'Tuple1';
}

function areaBytes({ layouts, homes }: Model): number {
  const sizes = homes.flatMap(({ functions }) =>
    functions.map(({ type }) => (type.result === undefined ? 0 : layouts.of(type.result).size)),
  );
  return Math.max(8, ...sizes);
}

const typesOf = (letters: string): string[] => [...letters].map((letter) => coreTypes[letter] as string);

function importCode(emitter: Emitter, func: Func): string {
  if (func.type.async === true) return asyncImportCode(emitter, func);
  const { type, id } = func;
  const signature = coreSignature(emitter.model.layouts, type, 'lower');
  const lines: string[] = [];
  const args = lowerArgs(emitter, type, signature, lines);
  if (signature.resultInMemory) args.push('area');
  const call = `raw${id}(${args.join(', ')})`;
  const temps = usesTemps(emitter, type, signature);
  // A constructor's result stays a handle: the object that is to have it is there already.
  const ref = func.local === 'constructor' ? 's32' : type.result;
  lines.push(...afterImport(emitter, ref, call, signature.resultInMemory, temps));
  return importText(emitter, func, signature, importResult(emitter, func), lines);
}

/** An import that gives a status; its result lies in a block of the call's own, since several may be under way. */
function asyncImportCode(emitter: Emitter, func: Func): string {
  const { type, id, core } = func;
  const { layouts } = emitter.model;
  const signature = asyncSignature(layouts, type, 'lower');
  const result = type.result === undefined ? 'Unit' : emitter.text(type.result);
  const bytes = type.result === undefined ? 0 : layouts.of(type.result).size;
  const lift = type.result === undefined ? 'true' : liftMemory(emitter, type.result, 'at', 0);
  const lines = [`const call = new Call${id}(${bytes});`];
  const args = lowerArgs(emitter, type, signature, lines);
  if (signature.resultInMemory) args.push('call.area');
  lines.push(`return call.begin(raw${id}(${args.join(', ')}));`);
  const lowered = { ...func, core: { ...core, name: `[async-lower]${core.name}` } };
  return `class Call${id} extends ${tasks}.HostCall<${result}> {
  lift(at: usize): ${result} { return ${lift}; }
}
${importText(emitter, lowered, signature, futureOf(result), lines)}`;
}

function lowerArgs(
  emitter: Emitter,
  { params }: FuncType,
  signature: CoreSignature,
  lines: string[],
): string[] {
  const { paramsInMemory, paramsLayout } = signature;
  if (!paramsInMemory)
    return params.flatMap(({ type }, index) => lowerFlat(emitter, type, `a${index}`, lines));
  lines.push(`const args = temp(${paramsLayout.size});`);
  for (const [index, { type }] of params.entries())
    lines.push(lowerMemory(emitter, type, `a${index}`, 'args', paramsLayout.offsets?.[index] ?? 0));
  return ['args'];
}

function importText(
  emitter: Emitter,
  { type, core, id }: Func,
  signature: CoreSignature,
  gives: string,
  lines: readonly string[],
): string {
  const params = typesOf(signature.params).map((one, index) => `p${index}: ${one}`);
  const result = signature.results === '' ? 'void' : typesOf(signature.results)[0];
  const heads = type.params.map((param, index) => `a${index}: ${emitter.text(param.type)}`);
  return `// @ts-ignore: decorator
@external(${JSON.stringify(core.module)}, ${JSON.stringify(core.name)})
declare function raw${id}(${params.join(', ')}): ${result};
export function import${id}(${heads.join(', ')}): ${gives} {
${lines.map((line) => `  ${line}\n`).join('')}}
`;
}

function importResult(emitter: Emitter, { type, local }: Func): string {
  if (local === 'constructor') return 'i32';
  return type.result === undefined ? 'void' : emitter.text(type.result);
}

function afterImport(
  emitter: Emitter,
  result: TypeRef | undefined,
  call: string,
  inMemory: boolean,
  temps: boolean,
): string[] {
  const release = temps ? ['release();'] : [];
  if (result === undefined) return [`${call};`, ...release];
  if (inMemory) return [`${call};`, ...release, `return ${liftMemory(emitter, result, 'area', 0)};`];
  if (!temps) return [`return ${liftFlat(emitter, result, [call])};`];
  return [`const flat = ${call};`, ...release, `return ${liftFlat(emitter, result, ['flat'])};`];
}

/** Whether lowering the arguments takes raw blocks. */
function usesTemps(emitter: Emitter, type: FuncType, { paramsInMemory }: CoreSignature): boolean {
  const { defs } = emitter.model;
  if (paramsInMemory) return true;
  const needs = (ref: TypeRef): boolean => {
    const def = typeof ref === 'number' ? defs[ref] : undefined;
    if (def === undefined) return false;
    if (def.kind === 'list' && def.length === undefined)
      return typeof def.element === 'number' || def.element === 'string';
    if (def.kind === 'map') return true;
    return def.kind === 'own' || def.kind === 'borrow' ? false : partsOf(def).some(needs);
  };
  return type.params.some((param) => needs(param.type));
}

function exportCode(emitter: Emitter, home: Home, func: Func): ExportCode {
  const { type } = func;
  const isAsync = type.async === true;
  const name = exportName(emitter.model, home, func);
  const signature = (isAsync ? asyncSignature : coreSignature)(emitter.model.layouts, type, 'lift');
  const params = typesOf(signature.params).map((one, index) => `p${index}: ${one}`);
  const result = signature.results === '' ? 'void' : (typesOf(signature.results)[0] as string);
  const lifted = liftArgs(emitter, type, signature);
  const lines = lifted.map((text, index) => `const a${index} = ${text};`);
  if (signature.paramsInMemory) lines.push('give(p0);');
  const call = userCall(emitter, home, func);
  const lends = type.params.some((param) => hasForeignBorrow(emitter.model, param.type));
  const ends = lends ? ['endBorrows();'] : [];
  if (isAsync) {
    const gives = type.result === undefined ? 'Unit' : emitter.text(type.result);
    lines.push(
      `const r: ${futureOf(gives)} = ${call};`,
      ...ends,
      `return ${tasks}.startTask(new ${name}_task(r));`,
    );
  } else if (type.result === undefined) lines.push(`${call};`, ...ends);
  else
    lines.push(
      `const r: ${emitter.text(type.result)} = ${call};`,
      ...ends,
      ...giveResult(emitter, type.result, signature.resultInMemory),
    );
  const text = `export function ${name}(${params.join(', ')}): ${result} {\n${lines.map((line) => `  ${line}\n`).join('')}}\n`;
  return {
    func,
    home,
    name,
    hasPost: !isAsync && signature.resultInMemory,
    hasCallback: isAsync,
    text: isAsync ? taskCode(emitter, func, name) + text : text,
  };
}

function liftArgs(emitter: Emitter, { params }: FuncType, signature: CoreSignature): string[] {
  let at = 0;
  return params.map((param, index) => {
    if (signature.paramsInMemory)
      return liftMemory(emitter, param.type, 'p0', signature.paramsLayout.offsets?.[index] ?? 0);
    const width = emitter.model.layouts.of(param.type).flat?.length ?? 0;
    at += width;
    return liftFlat(
      emitter,
      param.type,
      Array.from({ length: width }, (_, place) => `p${at - width + place}`),
    );
  });
}

/** The class that ends the task of an asynchronous export: it passes the future's value to `task.return`. */
function taskCode(emitter: Emitter, { type, core }: Func, name: string): string {
  const { result } = type;
  const { resultInMemory } = asyncSignature(emitter.model.layouts, type, 'lift');
  const text = result === undefined ? 'Unit' : emitter.text(result);
  const flat = result === undefined ? '' : (emitter.layout(result).flat ?? 'i');
  const params = typesOf(flat).map((one, index) => `p${index}: ${one}`);
  const lines = result === undefined ? [] : ['const r = this.future.value;'];
  let args: string[] = [];
  if (result !== undefined && resultInMemory) {
    lines.push(lowerMemory(emitter, result, 'r', 'area', 0));
    args = ['area'];
  } else if (result !== undefined) args = lowerFlat(emitter, result, 'r', lines);
  const [owner, member] = core.name.includes('#') ? core.name.split('#') : ['$root', core.name];
  return `// @ts-ignore: decorator
@external(${JSON.stringify(`[export]${owner}`)}, ${JSON.stringify(`[task-return]${member}`)})
declare function ${name}_return(${params.join(', ')}): void;
class ${name}_task extends ${tasks}.Task {
  constructor(private future: ${futureOf(text)}) { super(); }
  get isDone(): bool { return this.future.isDone; }
  giveResult(): void {
${[...lines, `${name}_return(${args.join(', ')});`].map((line) => `    ${line}\n`).join('')}  }
}
`;
}

/** `export_cart_total_3`: traps show it; the number keeps names apart that differ in case or dashes alone. */
function exportName({ places }: Model, home: Home, { local, resource, id }: Func): string {
  const owner = resource === undefined ? undefined : places.get(resource)?.local;
  return ['export', home.namespace, owner, local, id].filter((part) => part !== undefined).join('_');
}

function giveResult(emitter: Emitter, result: TypeRef, inMemory: boolean): string[] {
  const lines: string[] = [];
  if (inMemory)
    return ['hold(changetype<usize>(r));', lowerMemory(emitter, result, 'r', 'area', 0), 'return area;'];
  const [value] = lowerFlat(emitter, result, 'r', lines);
  return [...lines, `return ${value};`];
}

function userCall({ model }: Emitter, home: Home, func: Func): string {
  const args = func.type.params.map((_, index) => `a${index}`);
  if (func.resource === undefined) {
    const path = ['__user', home.namespace, func.local].filter((part) => part !== undefined);
    return `${path.join('.')}(${args.join(', ')})`;
  }
  const name = userClass(model, func.resource);
  if (func.local === 'constructor') return `new ${name}(${args.join(', ')})`;
  if (func.kind === 'method') return `${args[0]}.${func.local}(${args.slice(1).join(', ')})`;
  return `${name}.${func.local}(${args.join(', ')})`;
}

/** Whether a value may hold borrowed handles to the host's resources, which must be given back before the call returns. */
function hasForeignBorrow(model: Model, ref: TypeRef): boolean {
  const def = typeof ref === 'number' ? model.defs[ref] : undefined;
  if (def === undefined || def.kind === 'resource' || def.kind === 'own') return false;
  if (def.kind === 'borrow') return !isUserClass(model, def.resource);
  return partsOf(def).some((part) => hasForeignBorrow(model, part));
}

interface ResourceCode {
  readonly text: string;
  readonly destructor?: { readonly name: string; readonly core: string };
}

function resourceCode(model: Model, ref: number): ResourceCode {
  const { home, local } = model.places.get(ref) as Place;
  const label = home.types.find((type) => type.ref === ref)?.label ?? '';
  const owner = model.defs[ref]?.owner;
  return isUserClass(model, ref)
    ? ownResource(userClass(model, ref), ref, owner ?? '', label)
    : hostResource(`${home.alias}.${local}`, ref, owner ?? '$root', label);
}

/** A resource that the host makes: an object that owns or borrows a handle. */
function hostResource(type: string, ref: number, owner: string, label: string): ResourceCode {
  return {
    text: `// @ts-ignore: decorator
@external(${JSON.stringify(owner)}, "[resource-drop]${label}")
export declare function drop${ref}(handle: i32): void;
export function adopt${ref}(handle: i32): ${type} {
  const it = changetype<${type}>(__new(offsetof<${type}>(), idof<${type}>()));
  it.__handle = handle;
  return it;
}
export function borrow${ref}(handle: i32): ${type} {
  const it = adopt${ref}(handle);
  borrowed(it);
  return it;
}
`,
  };
}

/** A resource that the user's class makes: the host knows it by a number of ours. */
function ownResource(type: string, ref: number, owner: string, label: string): ResourceCode {
  const module = JSON.stringify(`[export]${owner}`);
  return {
    text: `// @ts-ignore: decorator
@external(${module}, "[resource-new]${label}")
declare function new${ref}(rep: i32): i32;
// @ts-ignore: decorator
@external(${module}, "[resource-rep]${label}")
declare function rep${ref}(handle: i32): i32;
// @ts-ignore: decorator
@external(${module}, "[resource-drop]${label}")
declare function drop${ref}(handle: i32): void;
let isTaking${ref} = false;
export function hand${ref}(it: ${type}): i32 { return new${ref}(keep(changetype<usize>(it))); }
export function look${ref}(rep: i32): ${type} { return changetype<${type}>(kept(rep)); }
export function takeBack${ref}(handle: i32): ${type} {
  const it = look${ref}(rep${ref}(handle));
  isTaking${ref} = true;
  drop${ref}(handle);
  isTaking${ref} = false;
  return it;
}
export function destroy${ref}(rep: i32): void {
  const it = look${ref}(rep);
  forget(rep);
  if (isTaking${ref}) return;
  // @ts-ignore: asked of the user's class
  if (isDefined(it.dispose)) it.dispose();
}
`,
    destructor: { name: `destroy${ref}`, core: `${owner}#[dtor]${label}` },
  };
}
