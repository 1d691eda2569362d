import { camelCase } from '../../../../host/engine/component/names.ts';

/** Words that AssemblyScript's grammar keeps for itself, and TypeScript's, since editors read the same names. */
const keywords: ReadonlySet<string> = new Set(
  `arguments async await break case catch class const constructor continue debugger default delete do else enum eval
   export extends false finally for function if implements import in instanceof interface let new null of override
   package private protected public readonly return static super switch this throw true try typeof undefined using var void while with
   yield`.split(/\s+/),
);

/** Types that the text of generated modules names without importing them. */
const typeNames: ReadonlySet<string> = new Set(
  `Array Box Error Float32Array Float64Array Function Int16Array Int32Array Int64Array Int8Array Map Object Resource
   Result StaticArray String Symbol Uint16Array Uint32Array Uint64Array Uint8Array Unit`.split(/\s+/),
);

/** Members that the classes of resources have besides WIT's, and that every object has. */
const memberNames: ReadonlySet<string> = new Set(['drop', 'toString', 'valueOf', 'hasOwnProperty']);

/** What methods cannot be called: modifiers, what the host's classes inherit, what the SDK calls of the user's. */
export const resourceMembers = {
  import: ['abstract', 'declare', 'isGone'],
  export: ['abstract', 'declare', 'dispose'],
} as const;

/** Built-in functions and value types, which a function or constant of that name would hide from the module. */
const builtinNames: ReadonlySet<string> = new Set(
  `bool changetype f32 f64 i16 i32 i64 i8 isize string u16 u32 u64 u8 usize v128`.split(/\s+/),
);

/** Names of one scope: each is given once; one that is taken or kept gets `_`, as often as it needs. */
export class Scope {
  readonly #taken: Set<string>;

  /** @param taken names that are not to be given */
  constructor(taken: Iterable<string> = []) {
    this.#taken = new Set(taken);
  }

  take(wanted: string): string {
    let name = wanted;
    while (isKept(name) || this.#taken.has(name)) name += '_';
    this.#taken.add(name);
    return name;
  }
}

function isKept(name: string): boolean {
  return (
    keywords.has(name) ||
    typeNames.has(name) ||
    builtinNames.has(name) ||
    memberNames.has(name) ||
    /^Tuple\d+$/.test(name)
  );
}

/** A function's, field's, parameter's or case's name. */
export function valueName(label: string): string {
  return camelCase(label);
}

/** A type's name. */
export function typeName(label: string): string {
  const name = camelCase(label);
  return name.charAt(0).toUpperCase() + name.slice(1);
}

/** Names in order, each from its label, all in one scope. */
export function distinct(labels: readonly string[], name: (label: string) => string = valueName): string[] {
  const scope = new Scope();
  return labels.map((label) => scope.take(name(label)));
}
