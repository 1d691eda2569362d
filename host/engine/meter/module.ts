import type { ConstExpr } from './const-expr.ts';
import type { TypeTable, ValueType } from './types.ts';

/** A section of the binary: content from `start` to `end`; `id` 0 is custom, with its `name`. */
export interface Section {
  readonly id: number;
  readonly start: number;
  readonly end: number;
  readonly name: string;
}

export type EntityKind = 'function' | 'table' | 'memory' | 'global' | 'tag';
export const entityKinds: readonly EntityKind[] = ['function', 'table', 'memory', 'global', 'tag'];

export interface ImportEntry {
  readonly module: string;
  readonly name: string;
  readonly kind: EntityKind;
  /** Index in its own index space. */
  readonly index: number;
}

export interface ExportEntry {
  readonly name: string;
  readonly kind: EntityKind;
  readonly index: number;
}

/** Limits of a memory (pages) or table (elements). */
export interface RangeLimits {
  readonly min: bigint;
  readonly max: bigint | undefined;
  readonly index64: boolean;
}

export interface TableEntry {
  readonly imported: boolean;
  readonly type: ValueType;
  /** Where the reference type's bytes are. */
  readonly typeStart: number;
  readonly typeEnd: number;
  readonly limits: RangeLimits;
  readonly init: ConstExpr | undefined;
}

export interface MemoryEntry {
  readonly imported: boolean;
  readonly limits: RangeLimits;
}

export interface GlobalEntry {
  readonly imported: boolean;
  readonly type: ValueType;
  readonly mutable: boolean;
  readonly typeStart: number;
  readonly typeEnd: number;
  readonly init: ConstExpr | undefined;
}

export interface ElementSegment {
  readonly flags: number;
  readonly start: number;
  readonly end: number;
  readonly table: number;
  readonly offset: ConstExpr | undefined;
  /** Where the function-index list starts (its count), and the indices; or the expressions. */
  readonly itemsStart: number;
  readonly functions: readonly number[];
  readonly exprs: readonly ConstExpr[];
}

export interface DataSegment {
  readonly start: number;
  readonly end: number;
  readonly memory: number;
  readonly offset: ConstExpr | undefined;
  readonly bytesLength: number;
}

/** A function body: from its local declarations to its end. */
export interface CodeBodies {
  readonly count: number;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

/** A module read up to, but not into, its function bodies. Index spaces count imports first. */
export interface ModuleParts {
  readonly bytes: Uint8Array;
  readonly sections: readonly Section[];
  readonly types: TypeTable;
  readonly imports: readonly ImportEntry[];
  readonly importedFunctions: number;
  readonly importedGlobals: number;
  /** Type index of every function. */
  readonly functions: Int32Array;
  readonly tables: readonly TableEntry[];
  readonly memories: readonly MemoryEntry[];
  readonly globals: readonly GlobalEntry[];
  /** Type index of every tag. */
  readonly tags: readonly number[];
  readonly exports: readonly ExportEntry[];
  readonly start: number | undefined;
  readonly elements: readonly ElementSegment[];
  readonly data: readonly DataSegment[];
  readonly code: CodeBodies;
}
