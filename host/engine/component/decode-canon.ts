import type { BuiltinImmediates, CanonOptions, CoreAlias, CoreFunc, StringEncoding } from './component.ts';
import { type CoreFuncType, readCoreValueType } from './core-module.ts';
import { readResourceIndex, readResultList } from './decode-type.ts';
import { asyncSignature, type CoreSignature, coreSignature } from './layout.ts';
import { type Reader, unsupported } from './reader.ts';
import type { Scope } from './scope.ts';
import { type FuncType, partsOf, type TypeRef } from './types.ts';

/** Immediates of the canonical built-ins: R own resource type, r resource type, t type, o options, a flag, m memory, l result list, v core type and slot. */
const builtins: Readonly<Record<number, readonly [name: string, immediates: string]>> = {
  2: ['resource.new', 'R'],
  3: ['resource.drop', 'r'],
  4: ['resource.rep', 'R'],
  5: ['task.cancel', ''],
  6: ['subtask.cancel', 'a'],
  7: ['resource.drop async', 'r'],
  8: ['backpressure.set', ''],
  9: ['task.return', 'lo'],
  10: ['context.get', 'v'],
  11: ['context.set', 'v'],
  12: ['thread.yield', 'a'],
  13: ['subtask.drop', ''],
  14: ['stream.new', 't'],
  15: ['stream.read', 'to'],
  16: ['stream.write', 'to'],
  17: ['stream.cancel-read', 'ta'],
  18: ['stream.cancel-write', 'ta'],
  19: ['stream.drop-readable', 't'],
  20: ['stream.drop-writable', 't'],
  21: ['future.new', 't'],
  22: ['future.read', 'to'],
  23: ['future.write', 'to'],
  24: ['future.cancel-read', 'ta'],
  25: ['future.cancel-write', 'ta'],
  26: ['future.drop-readable', 't'],
  27: ['future.drop-writable', 't'],
  28: ['error-context.new', 'o'],
  29: ['error-context.debug-message', 'o'],
  30: ['error-context.drop', ''],
  31: ['waitable-set.new', ''],
  32: ['waitable-set.wait', 'am'],
  33: ['waitable-set.poll', 'am'],
  34: ['waitable-set.drop', ''],
  35: ['waitable.join', ''],
  36: ['backpressure.inc', ''],
  37: ['backpressure.dec', ''],
  38: ['thread.index', ''],
  39: ['thread.new-indirect', 'cb'],
  40: ['thread.resume-later', ''],
  41: ['thread.suspend', 'a'],
  42: ['thread.suspend-then-resume', 'a'],
  43: ['thread.yield-then-resume', 'a'],
  44: ['thread.suspend-then-promote', 'a'],
  45: ['thread.yield-then-promote', 'a'],
};

/** Core types of the built-ins that run here, apart from `task.return`; the others are not checked. */
const builtinTypes: Readonly<Record<string, CoreFuncType>> = {
  'resource.new': { params: 'i', results: 'i' },
  'resource.rep': { params: 'i', results: 'i' },
  'resource.drop': { params: 'i', results: '' },
  'task.cancel': { params: '', results: '' },
  'subtask.cancel': { params: 'i', results: 'i' },
  'subtask.drop': { params: 'i', results: '' },
  'thread.yield': { params: '', results: 'i' },
  'waitable-set.new': { params: '', results: 'i' },
  'waitable-set.wait': { params: 'ii', results: 'i' },
  'waitable-set.poll': { params: 'ii', results: 'i' },
  'waitable-set.drop': { params: 'i', results: '' },
  'waitable.join': { params: 'ii', results: '' },
  'backpressure.inc': { params: '', results: '' },
  'backpressure.dec': { params: '', results: '' },
};

/** Slots of a task that `context.get` and `context.set` reach. */
const contextSlots = 2;

/** Section 8: one `canon` definition. */
export function readCanon(reader: Reader, scope: Scope): void {
  const at = reader.offset;
  const code = reader.byte();
  if (code === 0) readLift(reader, scope);
  else if (code === 1) readLower(reader, scope);
  else {
    const builtin = builtins[code];
    if (builtin === undefined) {
      if (code >= 0x40 && code <= 0x42) throw unsupported('shared-everything threads', at);
      if (code > 45 && code < 0x40) throw unsupported(`canonical function 0x${code.toString(16)}`, at);
      reader.fail(`unknown canonical function 0x${code.toString(16)}`, at);
    }
    scope.push<CoreFunc>(reader, scope.coreFuncs, readBuiltin(reader, scope, builtin), 'core functions');
  }
}

interface ImmediatesDraft {
  result?: TypeRef;
  options?: CanonOptions;
  memory?: CoreAlias;
  flag?: true;
  slot?: number;
  slotType?: string;
}

function readBuiltin(
  reader: Reader,
  scope: Scope,
  [name, forms]: readonly [name: string, immediates: string],
): CoreFunc {
  const immediates: ImmediatesDraft = {};
  for (const form of forms) readImmediate(reader, scope, form, immediates);
  const { slotType = '', ...rest } = immediates;
  const type =
    name === 'task.return'
      ? taskReturnType(reader, scope, rest)
      : name === 'context.get'
        ? { params: '', results: slotType }
        : name === 'context.set'
          ? { params: slotType, results: '' }
          : builtinTypes[name];
  return { kind: 'builtin', name, type, immediates: rest };
}

function taskReturnType(reader: Reader, scope: Scope, { result, options }: BuiltinImmediates): CoreFuncType {
  if (options?.async !== undefined || options?.realloc !== undefined || options?.postReturn !== undefined)
    reader.fail('task.return takes no other options than the string encoding and the memory');
  if (result === undefined) return { params: '', results: '' };
  const { flat } = scope.table.layouts.of(result);
  if ((flat === undefined || needsMemory(scope, result)) && options?.memory === undefined)
    reader.fail('the canonical option `memory` is required');
  return { params: flat ?? 'i', results: '' };
}

function readImmediate(reader: Reader, scope: Scope, form: string, draft: ImmediatesDraft): void {
  if (form === 'r') readResourceIndex(reader, scope);
  else if (form === 'R') {
    if (!scope.isOwnResource(readResourceIndex(reader, scope))) reader.fail('not a local resource');
  } else if (form === 't') readEventualIndex(reader, scope);
  else if (form === 'o') draft.options = readOptions(reader, scope);
  else if (form === 'a') {
    const flag = reader.byte();
    if (flag > 1) reader.fail('malformed flag');
    if (flag === 1) draft.flag = true;
  } else if (form === 'm') draft.memory = scope.at(reader, scope.coreAliases.memory, 'memory');
  else if (form === 'l') readReturned(reader, scope, draft);
  else if (form === 'c') scope.at(reader, scope.coreTypes, 'core type');
  else if (form === 'b') scope.at(reader, scope.coreAliases.table, 'table');
  else readSlot(reader, draft);
}

function readReturned(reader: Reader, scope: Scope, draft: ImmediatesDraft): void {
  const result = readResultList(reader, scope);
  if (result !== undefined) draft.result = result;
}

function readSlot(reader: Reader, draft: ImmediatesDraft): void {
  const type = readCoreValueType(reader);
  if (type !== 'i' && type !== 'I') reader.fail('a context slot holds an i32 or an i64');
  if (type === 'I') throw unsupported('64-bit context slots', reader.offset);
  const slot = reader.u32();
  if (slot >= contextSlots) reader.fail(`context slot ${slot} is not one of ${contextSlots}`);
  draft.slot = slot;
  draft.slotType = type;
}

function readEventualIndex(reader: Reader, scope: Scope): void {
  const at = reader.offset;
  const entry = scope.at(reader, scope.types, 'type');
  const def =
    entry.kind === 'value' && typeof entry.ref === 'number' ? scope.table.defs[entry.ref] : undefined;
  if (def?.kind !== 'stream' && def?.kind !== 'future')
    reader.fail('type index is not a stream or future', at);
}

function readLift(reader: Reader, scope: Scope): void {
  const at = reader.offset;
  if (reader.byte() !== 0) reader.fail('malformed lift', at);
  const core = scope.at(reader, scope.coreFuncs, 'core function');
  const options = readOptions(reader, scope);
  const entry = scope.at(reader, scope.types, 'type');
  if (entry.kind !== 'func') reader.fail('type index is not a function type', at);
  const type = entry.type;
  if (options.async === true && type.async !== true)
    reader.fail('the async option requires an async function type', at);
  checkLift(reader, scope, core, options, type, at);
  scope.push(reader, scope.funcs, { kind: 'lift', core, options, type }, 'functions');
}

function checkLift(
  reader: Reader,
  scope: Scope,
  core: CoreFunc,
  options: CanonOptions,
  type: FuncType,
  at: number,
): void {
  const isAsync = options.async === true;
  const signature = isAsync
    ? liftedAsync(scope, options, type)
    : coreSignature(scope.table.layouts, type, 'lift');
  checkSignature(reader, core, signature, 'lowered', at);
  const post = options.postReturn?.type;
  if (post !== undefined && (post.params !== signature.results || post.results !== ''))
    reader.fail('the post-return function has the wrong type', at);
  const params = type.params.some((param) => needsMemory(scope, param.type));
  // An asynchronous result comes by `task.return`, which has options of its own.
  const result =
    !isAsync && (signature.resultInMemory || (type.result !== undefined && needsMemory(scope, type.result)));
  if ((params || signature.paramsInMemory) && options.realloc === undefined)
    reader.fail('the canonical option `realloc` is required', at);
  if ((params || signature.paramsInMemory || result) && options.memory === undefined)
    reader.fail('the canonical option `memory` is required', at);
}

function liftedAsync(scope: Scope, { callback }: CanonOptions, type: FuncType): CoreSignature {
  const signature = asyncSignature(scope.table.layouts, type, 'lift');
  return callback === undefined ? { ...signature, results: '' } : signature;
}

function checkSignature(
  reader: Reader,
  core: CoreFunc,
  signature: CoreSignature,
  what: string,
  at: number,
): void {
  if (core.type === undefined) return;
  if (core.type.params !== signature.params)
    reader.fail(
      `${what} parameter types ${signature.params} do not match ${core.type.params} of the core function`,
      at,
    );
  if (core.type.results !== signature.results)
    reader.fail(
      `${what} result types ${signature.results} do not match ${core.type.results} of the core function`,
      at,
    );
}

function readLower(reader: Reader, scope: Scope): void {
  const at = reader.offset;
  if (reader.byte() !== 0) reader.fail('malformed lower', at);
  const func = scope.at(reader, scope.funcs, 'function');
  const options = readOptions(reader, scope);
  if (options.postReturn !== undefined || options.callback !== undefined)
    reader.fail('lowering takes no post-return and no callback', at);
  if (options.async === true && func.type.async !== true)
    reader.fail('the async option requires an async function type', at);
  const flatten = options.async === true ? asyncSignature : coreSignature;
  const signature = flatten(scope.table.layouts, func.type, 'lower');
  const type = { params: signature.params, results: signature.results };
  const params = func.type.params.some((param) => needsMemory(scope, param.type));
  const result = func.type.result !== undefined && needsMemory(scope, func.type.result);
  if (
    (params || result || signature.paramsInMemory || signature.resultInMemory) &&
    options.memory === undefined
  )
    reader.fail('the canonical option `memory` is required', at);
  if (result && options.realloc === undefined) reader.fail('the canonical option `realloc` is required', at);
  scope.push<CoreFunc>(reader, scope.coreFuncs, { kind: 'lower', func, options, type }, 'core functions');
}

/** Whether values of a type lie partly in memory: it contains a string, a list or a map. */
function needsMemory(scope: Scope, ref: TypeRef): boolean {
  const known = scope.table.memoryUse.get(ref);
  if (known !== undefined) return known;
  const def = typeof ref === 'number' ? scope.table.defs[ref] : undefined;
  const uses =
    def === undefined
      ? ref === 'string'
      : def.kind === 'map' ||
        (def.kind === 'list' && def.length === undefined) ||
        (def.kind !== 'stream' &&
          def.kind !== 'future' &&
          partsOf(def).some((part) => needsMemory(scope, part)));
  scope.table.memoryUse.set(ref, uses);
  return uses;
}

const encodings: readonly StringEncoding[] = ['utf8', 'utf16', 'latin1+utf16'];
const optionNames: readonly string[] = [
  'string-encoding',
  'string-encoding',
  'string-encoding',
  'memory',
  'realloc',
  'post-return',
  'async',
  'callback',
];

interface OptionsDraft {
  encoding: StringEncoding;
  memory?: CoreAlias;
  realloc?: CoreFunc;
  postReturn?: CoreFunc;
  async?: true;
  callback?: CoreFunc;
}

function readOptions(reader: Reader, scope: Scope): CanonOptions {
  const options: OptionsDraft = { encoding: 'utf8' };
  const seen = new Set<string>();
  for (let left = reader.count('canonical options', 1000); left > 0; left -= 1) {
    const at = reader.offset;
    const code = reader.byte();
    const name = optionNames[code];
    if (name === undefined) {
      if (code === 8 || code === 9) throw unsupported('the garbage-collected canonical ABI', at);
      reader.fail(`unknown canonical option ${code}`, at);
    }
    if (seen.has(name)) reader.fail(`the canonical option \`${name}\` is specified more than once`, at);
    seen.add(name);
    readOption(reader, scope, options, code);
  }
  checkOptions(reader, options);
  return options;
}

function readOption(reader: Reader, scope: Scope, options: OptionsDraft, code: number): void {
  if (code <= 2) options.encoding = encodings[code] as StringEncoding;
  else if (code === 3) options.memory = scope.at(reader, scope.coreAliases.memory, 'memory');
  else if (code === 4) options.realloc = scope.at(reader, scope.coreFuncs, 'core function');
  else if (code === 5) options.postReturn = scope.at(reader, scope.coreFuncs, 'core function');
  else if (code === 6) options.async = true;
  else options.callback = scope.at(reader, scope.coreFuncs, 'core function');
}

function checkOptions(reader: Reader, options: OptionsDraft): void {
  const memory = options.memory?.type;
  if (memory?.sort === 'memory' && memory.limits.wide) throw unsupported('64-bit memories', reader.offset);
  if (memory?.sort === 'memory' && memory.limits.shared) reader.fail('a canonical memory cannot be shared');
  if (options.realloc !== undefined && options.memory === undefined)
    reader.fail('the canonical option `memory` is required with `realloc`');
  const realloc = options.realloc?.type;
  if (realloc !== undefined && (realloc.params !== 'iiii' || realloc.results !== 'i'))
    reader.fail('the canonical option `realloc` uses a core function with an incorrect signature');
  if (options.async === true && options.postReturn !== undefined)
    reader.fail('the canonical options `async` and `post-return` exclude each other');
  if (options.callback !== undefined && options.async !== true)
    reader.fail('the canonical option `callback` requires `async`');
  const callback = options.callback?.type;
  if (callback !== undefined && (callback.params !== 'iii' || callback.results !== 'i'))
    reader.fail('the canonical option `callback` uses a core function with an incorrect signature');
}
