import type { RootTask, TaskState } from './running-tasks.ts';

/** Why a well-formed component is not taken; the message names the thing. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}

/** What the sealed glue gets in place of the real globals, by the names its prelude takes. */
export interface GlueGlobals {
  readonly WebAssembly: object;
  readonly globalThis: object;
  readonly TextDecoder: unknown;
  readonly setTimeout: unknown;
  readonly clearTimeout: unknown;
  readonly setInterval: unknown;
  readonly clearInterval: unknown;
  readonly queueMicrotask: unknown;
  /** Which task each component instance runs: saved and put back around a pause. */
  readonly $tasks: Record<string, unknown>;
  /** Bytes of a guest's list, bounds-checked and counted. */
  readonly $slice: (buffer: ArrayBuffer, from: number, to: number) => ArrayBuffer;
  /** Counts the elements of a guest's list before they are lifted; gives the first index. */
  readonly $count: (elements: number) => 0;
  /** Runs a host function, so that its failures are told from the guest's. */
  readonly $call: (operation: () => unknown) => unknown;
  /** The host function's value is in the guest's memory now. */
  readonly $lowered: () => void;
  /** Where jco keeps the tasks of each component instance. */
  readonly $states: (states: ReadonlyMap<number, TaskState>) => void;
  /** A task is about to wait. */
  readonly $suspends: () => void;
  /** The host reads or drops what a guest writes: who waits for that has news. */
  readonly $wake: () => void;
  /** The result of a task that the host called for, whose end is watched. */
  readonly $root: (task: RootTask) => Promise<unknown>;
  /** The `err` value that a host function's exception carries, or throws it on. */
  readonly $payload: (thrown: unknown) => unknown;
}

const granted =
  'WebAssembly, globalThis, TextDecoder, setTimeout, clearTimeout, setInterval, clearInterval, queueMicrotask, $tasks, $slice, $count, $call, $lowered, $payload, $states, $suspends, $wake, $root';
const withheld = [
  'process',
  'console',
  'fetch',
  'require',
  'module',
  'global',
  'Buffer',
  'Function',
  'setImmediate',
  'performance',
  'navigator',
  'crypto',
  'Worker',
];

interface Edit {
  readonly find: RegExp;
  readonly put: string;
  /** How often it may occur: jco writes most parts only where a component needs them. */
  readonly times: 'once' | 'once at most' | 'any';
}

/** Names that start with `$` cannot collide: jco makes identifiers from WIT names, which have none there. */
const edits: readonly Edit[] = [
  {
    find: /^export function instantiate\(getCoreModule, imports, instantiateCore = WebAssembly\.instantiate\) \{/gm,
    put: 'function $instantiate(getCoreModule, imports, instantiateCore) {',
    times: 'once',
  },
  { find: /\bimport\.meta\.url\b/g, put: "''", times: 'any' },
  { find: /^(\s*)export (?=const |function |class )/gm, put: '$1', times: 'any' },
  {
    find: /\bconst CURRENT_TASK_META ?= ?\{\};/g,
    put: 'const CURRENT_TASK_META = $tasks;',
    times: 'once at most',
  },
  {
    find: /\bconst ASYNC_STATE = new Map\(\);/g,
    put: 'const ASYNC_STATE = new Map(); $states(ASYNC_STATE);',
    times: 'once at most',
  },
  {
    find: /\bsuspendTask\(args\) \{/g,
    put: 'suspendTask(args) { $suspends();',
    times: 'once at most',
  },
  { find: /\b_debugLog\('\[Stream#read\(\)\]'/g, put: "$wake(); _debugLog('[Stream#read()]'", times: 'any' },
  { find: /\bthis\.#dropFn\?\.\(\);/g, put: 'this.#dropFn?.(); $wake();', times: 'any' },
  { find: /\bawait task\.completionPromise\(\)/g, put: 'await $root(task)', times: 'any' },
  // V8's own words are kept: trap.ts knows them.
  {
    find: /\bconst CORE_TRAP_MESSAGES = new Map\(\[[^;]*\]\);/g,
    put: 'const CORE_TRAP_MESSAGES = new Map();',
    times: 'once at most',
  },
  { find: /\b(memory\d+)\.buffer\.slice\(/g, put: '$slice($1.buffer, ', times: 'any' },
  {
    find: /\bfor \(let i = 0; i < (len\d+); i\+\+\) \{/g,
    put: 'for (let i = $count($1); i < $1; i++) {',
    times: 'any',
  },
  {
    find: /\bfor \(let i = 0; i < (\d+); i\+\+\) \{(?=\s*const base = addr)/g,
    put: 'for (let i = $count($1); i < $1; i++) {',
    times: 'any',
  },
  // Handle tables: a component's tables share their indices; a handle is checked to be in use; representations
  // use all 32 bits, so ownership is told by a number beyond them.
  {
    find: /\bconst free = table\[0\] & ~T_FLAG;\s*if \(free === 0\) \{\s*table\.push\(scopeId\);[^}]*\}[^}]*\breturn free;/g,
    put: 'return $put(table, scopeId, rep);',
    times: 'once at most',
  },
  {
    find: /\bconst free = table\[0\] & ~T_FLAG;\s*table\._createdReps\.add\(rep\);\s*if \(free === 0\) \{\s*table\.push\(0\);[^}]*\}[^}]*\breturn free;/g,
    put: 'return $put(table, 0, rep + $owned);',
    times: 'once at most',
  },
  {
    find: /\btable\[handle << 1\] = table\[0\] \| T_FLAG;\s*table\[0\] = handle \| T_FLAG;/g,
    put: '$take(table, handle);',
    times: 'once at most',
  },
  {
    find: /\bconst own = \(val & T_FLAG\) !== 0;\s*const rep = val & ~T_FLAG;\s*if \((?:val|rep) === 0 \|\| \(scope & T_FLAG\) !== 0\) \{/g,
    put: 'const own = val >= $ownedMin; const rep = own ? val - $owned : val; if ($isFree(table, handle)) {',
    times: 'any',
  },
  {
    find: /`unknown handle index \$\{\(handle << 1\) \+ 1\}`/g,
    put: "'unknown handle index ' + (handle >>> 0)",
    times: 'any',
  },
  {
    find: /\(?\b(handleTable\d+)\[\((handle\d*) << 1\) \+ 1\] & T_FLAG\) === 0/g,
    put: '!$isOwned($1, $2)',
    times: 'any',
  },
  {
    find: /\b(handleTable\d+)\[\((handle\d*) << 1\) \+ 1\] & ~T_FLAG/g,
    put: '$rep($1, $2)',
    times: 'any',
  },
  // What a guest returns as its own must be a handle that it has and has not lent.
  {
    find: /\bvar (handle\d+) = ([^;]+);(\s*var (rsc\d+) = new\.target === [^;]+;\s*Object\.defineProperty\(\4, symbolRscHandle[^;]*;\s*finalizationRegistry(\d+)\.)/g,
    put: 'var $1 = $ownHandle(handleTable$5, $2);$3',
    times: 'any',
  },
  // A component gets the representation in place of a borrowed handle for what it made, not for what it was given.
  {
    find: /\brscTableCreateOwn\.bind\(null, (handleTable\d+)\)/g,
    put: '((rep) => { $1._createdReps.add(rep); return rscTableCreateOwn($1, rep); })',
    times: 'any',
  },
  // The canonical ABI lets no call in from a component around or inside, nor out to one.
  {
    find: /(?<=\bfunction _symmetricSyncGuestCallEnter\(callerComponentIdx, calleeIsAsync, calleeComponentIdx, syncOnly = false\) \{)/g,
    put: ' $checkEntry(callerComponentIdx, calleeComponentIdx);',
    times: 'once at most',
  },
  // A start function that calls into another component has no task yet.
  {
    find: /\bconst callerTaskMeta = getCurrentTask\(callerComponentIdx\);(?=\s*if \(!callerTaskMeta\) \{ throw [^\n]*\s*const callerTask = callerTaskMeta\.task;[^\n]*\s*if [^\n]*\s*const subtask = callerTask\.createSubtask\(\{\s*componentIdx: callerComponentIdx,\s*parentTask: callerTask,\s*\/\/ This adapter is a synchronous)/g,
    put: 'const callerTaskMeta = getCurrentTask(callerComponentIdx) ?? $beginStart(callerComponentIdx, createNewCurrentTask, getCurrentTask);',
    times: 'once at most',
  },
  // The exports go inside an object: a promise that resolved with them would call a guest's function `then`.
  {
    find: /\bif \(resolve\) return resolve\(value\);\s*else return value;/g,
    put: '$endStarts(); if (resolve) return resolve({ exports: value }); else return { exports: value };',
    times: 'once',
  },
  // A map inside a list: jco declares a second `i` where the first is still used.
  {
    find: /\blet i = 0;\s*for \(const \[key, value\] of (entries\d+)\) \{/g,
    put: 'for (let [i, [key, value]] of [...$1].entries()) {',
    times: 'any',
  },
  { find: /\bconst result = operation\(\);/g, put: 'const result = $call(operation);', times: 'any' },
  {
    find: /\b_debugLog\((?='\[iface="[^"]*", function="[^"]*"\]\[Instruction::Return\]')/g,
    put: '$lowered(); _debugLog(',
    times: 'any',
  },
  { find: /(?<=\bfunction getErrorPayload\(e\) \{)/g, put: ' return $payload(e);', times: 'any' },
  // Text of the host that is no valid Unicode becomes valid, in UTF-16 as TextEncoder does it in UTF-8.
  {
    find: /(?<=\bfunction _utf16AllocateAndEncode\(str, realloc, memory\) \{)/g,
    put: " if (typeof str === 'string') str = str.toWellFormed();",
    times: 'any',
  },
  // jco awaits in an exported static function without declaring it async; all of them are asked for as such.
  {
    find: /^(\s*[A-Z][\w$]*\.[a-z][\w$]*) = function (?=\w)/gm,
    put: '$1 = async function ',
    times: 'any',
  },
  // jco leaves the guest suspended for ever when a promise of the host rejects outside of a result.
  {
    find: /(\[Instruction::CallInterface\] error during async call'[\s\S]{0,600}?)\breturn task\.completionPromise\(\);/g,
    put: '$1throw err;',
    times: 'any',
  },
  // A host function's value is its `ok`, also where it looks like a result itself.
  {
    find: /\b(hostRet\d+) !== null && typeof \1 === 'object' && \(\1\.tag === 'ok' \|\| \1\.tag === 'err'\)\s*\? \1\s*: \{ tag: 'ok', val: \1\s*\};/g,
    put: "{ tag: 'ok', val: $1 };",
    times: 'any',
  },
];

/**
 * What the edits of jco's handle tables refer to: entry `handle` of a table is at `handle * 2` (how often it is
 * lent, or the call it is borrowed for) and after it (the representation). Indices are given out by component.
 */
const handles = `const $owned = 2 ** 33, $ownedMin = 2 ** 32, $handlesMax = 1_000_000;
const $indices = new Map();
const $indicesOf = (table) => {
  const owner = table._componentIdx ?? table;
  let indices = $indices.get(owner);
  if (indices === undefined) $indices.set(owner, (indices = { last: 0, free: [] }));
  return indices;
};
const $put = (table, scope, entry) => {
  const indices = $indicesOf(table);
  const handle = indices.free.pop() ?? ++indices.last;
  if (handle > $handlesMax) throw new WebAssembly.RuntimeError('the handle table is full');
  table[handle * 2] = scope;
  table[handle * 2 + 1] = entry;
  return handle;
};
const $take = (table, handle) => {
  table[handle * 2] = undefined;
  table[handle * 2 + 1] = undefined;
  $indicesOf(table).free.push(handle);
};
const $isFree = (table, handle) => !(handle > 0 && table[handle * 2] !== undefined);
const $isOwned = (table, handle) => !$isFree(table, handle) && table[handle * 2 + 1] >= $ownedMin;
const $ownHandle = (table, handle) => {
  if (!$isOwned(table, handle)) throw new WebAssembly.RuntimeError('unknown handle index ' + (handle >>> 0));
  if (table[handle * 2] !== 0) throw new WebAssembly.RuntimeError('the handle of a resource that is lent was given away');
  return handle;
};
const $rep = (table, handle) => {
  if ($isFree(table, handle)) throw new WebAssembly.RuntimeError('unknown handle index ' + (handle >>> 0));
  const entry = table[handle * 2 + 1];
  return entry >= $ownedMin ? entry - $owned : entry;
};`;

/** Who may call whom, and the tasks of start functions, which end when the component is complete. */
const entries = `const $isWithin = (inner, outer) => {
  for (let at = inner; at >= 0; at = $parents[at]) if (at === outer) return true;
  return false;
};
const $checkEntry = (caller, callee) => {
  if ($isWithin(caller, callee) || $isWithin(callee, caller))
    throw new WebAssembly.RuntimeError('wasm trap: cannot enter component instance');
};
let $starts = [];
const $beginStart = (componentIdx, create, current) => {
  if ($starts === undefined) return undefined;
  const [task] = create({
    componentIdx,
    isAsync: false,
    entryFnName: 'start',
    getCallbackFn: () => null,
    callbackFnName: null,
    errHandling: 'none',
    callingWasmExport: true,
  });
  $starts.push(task);
  return current(componentIdx);
};
const $endStarts = () => {
  for (const task of $starts) {
    task.resolve([]);
    task.exit({ skipExclusiveLockCheck: true });
  }
  $starts = undefined;
};`;

/** What must be gone after the edits; anything left means the generator's output changed its form. */
const leftovers =
  /^\s*import\b|^\s*export\b|\b(?:const|let|var) CURRENT_TASK_META ?=(?! ?\$tasks;)|\bCORE_TRAP_MESSAGES ?= ?new Map\((?!\))|& ~?T_FLAG|\| T_FLAG|\btable\.push\b|\b_createdReps\.add\(rep\);\s*if|\brscTableCreateOwn\.bind\b|\bhostRet\d+\.tag\b|\bmemory\d+\.buffer\.slice\b|(?<!\$call\()\boperation\(\)|CallInterface\] error during async call'[\s\S]{0,600}?completionPromise/m;

/**
 * Makes jco's module depend on nothing but its arguments: globals are shadowed, and the places where guests
 * and host functions meet get hooks. `parents`: of every component instance (`instanceParents`).
 * @throws Error starting with 'bug:' when the generator's output has another form than the one known here
 */
export function sealGlue(text: string, parents: readonly number[]): string {
  let body = text;
  for (const { find, put, times } of edits) {
    const count = body.match(find)?.length ?? 0;
    if (times !== 'any' && (count > 1 || (times === 'once' && count === 0)))
      throw new Error(`bug: ${find} occurs ${count} times in the generated module`);
    body = body.replace(find, put.replaceAll(/\$(?=[a-z])/g, '$$$$'));
  }
  const leftover = leftovers.exec(body);
  if (leftover !== null) throw new Error(`bug: the generated module still has '${leftover[0]}'`);
  const inner = [
    'function instantiate(getCoreModule, imports, instantiateCore, $globals) {',
    `const { ${granted} } = $globals;`,
    `const ${withheld.map((name) => `${name} = undefined`).join(', ')};`,
    handles,
    `const $parents = ${JSON.stringify(parents)};`,
    entries,
    'return (() => {',
    body,
    'return $instantiate(getCoreModule, imports, instantiateCore);',
    '})();',
    '}',
    '',
  ].join('\n');
  checkSyntax(inner);
  return `export ${inner}`;
}

/** Odd but valid names can make jco declare something twice. Nothing is run here: the text only declares a function. */
function checkSyntax(text: string): void {
  try {
    new Function(`'use strict'; ${text}`);
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) throw thrown;
    throw new Refusal(`its names cannot be written as a module (${thrown.message})`);
  }
}

// jco writes core names between single quotes without escaping them: what could end the quotes would be code.
const unsafeCoreName = /['\\\p{Cc}\u2028\u2029]|^__proto__$/u;
const externName = /^[A-Za-z0-9:/@.+_[\]$-]+$/;
const coreNameShownMax = 60;

/**
 * Refuses names that the generated text could not carry as plain strings, and the host's own import namespace.
 * @throws Refusal naming the first one
 */
export function checkCoreNames(module: WebAssembly.Module): void {
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    checkCoreName(from);
    checkCoreName(name);
    if (from.startsWith('motehost:meter'))
      throw new Refusal(`it imports '${from}', which belongs to the host`);
  }
  for (const { name } of WebAssembly.Module.exports(module)) {
    checkCoreName(name);
    if (name.startsWith('motehost:meter'))
      throw new Refusal(`it exports '${name}', which belongs to the host`);
  }
}

function checkCoreName(name: string): void {
  if (unsafeCoreName.test(name))
    throw new Refusal(
      `a core module uses the name ${JSON.stringify(name.slice(0, coreNameShownMax))}; quotes, backslashes, and control characters are not taken`,
    );
}

/** @throws Refusal for a component-level name that is not a WIT name (urls, hashes and locked dependencies) */
export function checkExternName(name: string): void {
  if (!externName.test(name))
    throw new Refusal(
      `it imports or exports ${JSON.stringify(name.slice(0, coreNameShownMax))}, which is not a WIT name`,
    );
}
