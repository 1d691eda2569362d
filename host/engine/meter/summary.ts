import type { EntityKind, ModuleParts, RangeLimits } from './module.ts';
import { typeName, type ValueType } from './types.ts';

/** An import or export: `type` is `(3)` for a function of type 3, `mut i64`, `funcref 1..10`, `1..16`. */
export interface ImportSummary {
  readonly module: string;
  readonly name: string;
  readonly kind: EntityKind;
  readonly type: string;
}

export interface ExportSummary {
  readonly name: string;
  readonly kind: EntityKind;
  readonly type: string;
}

export interface MemorySummary {
  readonly minPages: number;
  readonly maxPages?: number;
  readonly index64: boolean;
  readonly imported: boolean;
  /** The export that gives the host this memory. */
  readonly exportName: string;
}

export interface TableSummary {
  readonly min: number;
  readonly max?: number;
  readonly index64: boolean;
  readonly imported: boolean;
  readonly element: string;
  readonly exportName: string;
}

export interface GlobalSummary {
  readonly type: string;
  readonly imported: boolean;
}

/**
 * Two exported functions: one gives the values of so many mutable globals, the other takes them. A global that were
 * exported itself would cost every instance an object, and the guest's code a detour.
 */
export interface GlobalsAccess {
  readonly count: number;
  readonly readName: string;
  readonly writeName: string;
}

/** What a module is, by its own declarations: nothing of what the rewriter adds, but the names under which it exports state. */
export interface ModuleSummary {
  readonly imports: readonly ImportSummary[];
  readonly exports: readonly ExportSummary[];
  readonly memories: readonly MemorySummary[];
  readonly tables: readonly TableSummary[];
  /** Mutable numeric globals: with the memories, the state between calls. */
  readonly mutableGlobals: readonly GlobalSummary[];
  /** How the host gets at them, in their order. */
  readonly globalsAccess: readonly GlobalsAccess[];
  /** Whether the host must run the export `motehost:meter/start` after instantiation. */
  readonly hasStart: boolean;
  /** Whether memories and mutable globals are the whole state between calls, so that an instance can hibernate. */
  readonly snapshot: { readonly possible: true } | { readonly possible: false; readonly reason: string };
  readonly functionCount: number;
  /** Types it declares. */
  readonly typeCount: number;
  /** Proposals beyond the first version that the module uses, sorted. */
  readonly features: readonly string[];
}

/** Names under which the rewriter exports state; N is the index in the guest's own index space, or of a group. */
export const exportNames = {
  fuel: 'motehost:meter/fuel',
  start: 'motehost:meter/start',
  readGlobals: (group: number): string => `motehost:meter/r${group}`,
  writeGlobals: (group: number): string => `motehost:meter/w${group}`,
  memory: (index: number): string => `motehost:meter/m${index}`,
  table: (index: number): string => `motehost:meter/t${index}`,
};

const isNumeric = (type: ValueType): boolean => type.code >= 0x7c && type.code <= 0x7f;

/** The globals a snapshot saves: mutable and numeric. */
export function savedGlobals(parts: ModuleParts): readonly number[] {
  return parts.globals.flatMap(({ mutable, type }, index) => (mutable && isNumeric(type) ? [index] : []));
}

/** Globals that one function gives or takes: its type is written with lengths of one byte. */
const groupMax = 100;

/** The same in groups, each of which has a function to read it and one to write it. */
export function savedGroups(parts: ModuleParts): readonly (readonly number[])[] {
  const saved = savedGlobals(parts);
  const groups = Math.ceil(saved.length / groupMax);
  return Array.from({ length: groups }, (_, group) => saved.slice(group * groupMax, (group + 1) * groupMax));
}

/** Describes a module; `features` and `unsaved` are what its function bodies showed. */
export function summarize(
  parts: ModuleParts,
  features: ReadonlySet<string>,
  unsaved: string | undefined,
  hasStart: boolean,
): ModuleSummary {
  const reason = unsaved ?? unsavedDeclaration(parts);
  return {
    imports: parts.imports.map(({ module, name, kind, index }) => ({
      module,
      name,
      kind,
      type: entityType(parts, kind, index),
    })),
    exports: parts.exports.map(({ name, kind, index }) => ({
      name,
      kind,
      type: entityType(parts, kind, index),
    })),
    memories: parts.memories.map((memory, index) => ({
      minPages: Number(memory.limits.min),
      ...(memory.limits.max === undefined ? {} : { maxPages: Number(memory.limits.max) }),
      index64: memory.limits.index64,
      imported: memory.imported,
      exportName: exportNames.memory(index),
    })),
    tables: parts.tables.map((table, index) => ({
      min: Number(table.limits.min),
      ...(table.limits.max === undefined ? {} : { max: Number(table.limits.max) }),
      index64: table.limits.index64,
      imported: table.imported,
      element: typeName(table.type),
      exportName: exportNames.table(index),
    })),
    mutableGlobals: savedGlobals(parts).map((index) => ({
      type: entityType(parts, 'global', index),
      imported: parts.globals[index]?.imported ?? false,
    })),
    globalsAccess: savedGroups(parts).map(({ length }, group) => ({
      count: length,
      readName: exportNames.readGlobals(group),
      writeName: exportNames.writeGlobals(group),
    })),
    hasStart,
    snapshot: reason === undefined ? { possible: true } : { possible: false, reason },
    functionCount: parts.functions.length,
    typeCount: parts.types.count,
    features: [...features, ...declaredFeatures(parts)].filter(unique).sort(),
  };
}

const unique = (value: string, index: number, all: readonly string[]): boolean =>
  all.indexOf(value) === index;

function entityType(parts: ModuleParts, kind: EntityKind, index: number): string {
  if (kind === 'function') return `(${parts.functions[index]})`;
  if (kind === 'tag') return `(${parts.tags[index]})`;
  if (kind === 'memory') return rangeText(parts.memories[index]?.limits);
  const table = parts.tables[index];
  if (kind === 'table')
    return table === undefined ? '' : `${typeName(table.type)} ${rangeText(table.limits)}`;
  const global = parts.globals[index];
  return global === undefined ? '' : `${global.mutable ? 'mut ' : ''}${typeName(global.type)}`;
}

function rangeText(limits: RangeLimits | undefined): string {
  if (limits === undefined) return '';
  return `${limits.index64 ? 'i64 ' : ''}${limits.min}..${limits.max ?? ''}`;
}

/** State that the declarations alone show cannot be saved. */
function unsavedDeclaration(parts: ModuleParts): string | undefined {
  const odd = parts.globals.findIndex(({ mutable, type }) => mutable && !isNumeric(type));
  if (odd >= 0) return `mutable global ${odd} holds a vector or a reference`;
  if (parts.globals.some(({ type }) => holdsObjects(type)))
    return 'a global holds a garbage-collected object';
  if (parts.tables.some(({ imported }) => imported)) return 'it shares a table';
  if (parts.exports.some(({ kind }) => kind === 'table')) return 'it exports a table';
  return undefined;
}

/** any, eq, i31, struct, array and concrete types; functions and external references are not ours to save. */
function holdsObjects({ code, heapType }: ValueType): boolean {
  if (code >= 0x7b) return false;
  return heapType >= 0 || (heapType >= -0x16 && heapType <= -0x12);
}

function declaredFeatures(parts: ModuleParts): string[] {
  const features: string[] = [];
  if (parts.memories.length > 1) features.push('multi-memory');
  if (parts.memories.some(({ limits }) => limits.index64)) features.push('memory64');
  if (parts.tables.some(({ limits }) => limits.index64)) features.push('table64');
  if (parts.tags.length > 0) features.push('exceptions');
  return features;
}
