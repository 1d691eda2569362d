import type { CoreExternType, CoreFuncType, CoreImport, CoreModuleShape, CoreSort } from './core-module.ts';
import type { FuncType, TypeDef, TypeRef } from './types.ts';

/** A decoded component: definitions as a graph of nodes, in the words of the component model's explainer. */
export interface Component {
  /** The bytes of the whole file; byte ranges in nodes are offsets into them. */
  readonly bytes: Uint8Array;
  /** All value and resource types of the file, shared by its nested components. */
  readonly types: readonly TypeDef[];
  /** Types that only stand for another one under the name of an import or export, by that one. */
  readonly origins: ReadonlyMap<number, number>;
  readonly imports: ReadonlyMap<string, ExternType>;
  readonly exports: ReadonlyMap<string, Export>;
  /** Core modules defined here, not those of nested components. */
  readonly modules: readonly CoreModule[];
  readonly coreInstances: readonly CoreInstance[];
  readonly coreFuncs: readonly CoreFunc[];
  readonly instances: readonly Instance[];
  readonly funcs: readonly Func[];
  /** Components defined here. */
  readonly components: readonly Component[];
}

export interface Export {
  readonly type: ExternType;
  readonly item: Item;
}

export type ExternType =
  | { readonly sort: 'module'; readonly type: ModuleType }
  | { readonly sort: 'func'; readonly type: FuncType }
  | { readonly sort: 'type'; readonly type: TypeEntry }
  | { readonly sort: 'component'; readonly type: ComponentType }
  | { readonly sort: 'instance'; readonly type: InstanceType };

export type Sort = ExternType['sort'];

/** What a type index may name. */
export type TypeEntry =
  | { readonly kind: 'value'; readonly ref: TypeRef }
  | { readonly kind: 'resource'; readonly index: number }
  | { readonly kind: 'func'; readonly type: FuncType }
  | { readonly kind: 'component'; readonly type: ComponentType }
  | { readonly kind: 'instance'; readonly type: InstanceType };

export interface ComponentType {
  readonly imports: ReadonlyMap<string, ExternType>;
  readonly exports: ReadonlyMap<string, ExternType>;
}

export interface InstanceType {
  readonly exports: ReadonlyMap<string, ExternType>;
}

export interface ModuleType {
  readonly imports: readonly CoreImport[];
  readonly exports: ReadonlyMap<string, CoreExternType>;
}

/** A definition of any sort, as instantiation arguments and exports refer to it. */
export type Item =
  | { readonly sort: 'module'; readonly node: CoreModule }
  | { readonly sort: 'func'; readonly node: Func }
  | { readonly sort: 'type'; readonly node: TypeEntry }
  | { readonly sort: 'component'; readonly node: ComponentNode }
  | { readonly sort: 'instance'; readonly node: Instance };

export type Func = { readonly type: FuncType } & (
  | { readonly kind: 'import'; readonly name: string }
  | { readonly kind: 'alias'; readonly instance: Instance; readonly name: string }
  | { readonly kind: 'lift'; readonly core: CoreFunc; readonly options: CanonOptions }
);

export type Instance = { readonly type: InstanceType } & (
  | { readonly kind: 'import'; readonly name: string }
  | { readonly kind: 'alias'; readonly instance: Instance; readonly name: string }
  | {
      readonly kind: 'instantiate';
      readonly component: ComponentNode;
      readonly args: ReadonlyMap<string, Item>;
    }
  | { readonly kind: 'exports'; readonly exports: ReadonlyMap<string, Item> }
);

export type ComponentNode = { readonly type: ComponentType } & (
  | { readonly kind: 'import'; readonly name: string }
  | { readonly kind: 'alias'; readonly instance: Instance; readonly name: string }
  | { readonly kind: 'defined'; readonly component: Component }
);

export type CoreModule = { readonly type: ModuleType } & (
  | { readonly kind: 'import'; readonly name: string }
  | { readonly kind: 'alias'; readonly instance: Instance; readonly name: string }
  | {
      readonly kind: 'defined';
      /** The file, and the module's byte range in it. */
      readonly bytes: Uint8Array;
      readonly offset: number;
      readonly length: number;
      readonly shape: CoreModuleShape;
    }
);

export type CoreInstance =
  | {
      readonly kind: 'instantiate';
      readonly module: CoreModule;
      readonly args: ReadonlyMap<string, CoreInstance>;
    }
  | { readonly kind: 'exports'; readonly exports: ReadonlyMap<string, CoreItem> };

export type CoreItem =
  | { readonly sort: 'func'; readonly node: CoreFunc }
  | { readonly sort: Exclude<CoreSort, 'func'>; readonly node: CoreAlias };

/** A memory, table, global or tag that a core instance exports. */
export interface CoreAlias {
  readonly instance: CoreInstance;
  readonly name: string;
  readonly type: CoreExternType;
}

export type CoreFunc =
  | {
      readonly kind: 'alias';
      readonly instance: CoreInstance;
      readonly name: string;
      readonly type: CoreFuncType | undefined;
    }
  | {
      readonly kind: 'lower';
      readonly func: Func;
      readonly options: CanonOptions;
      readonly type: CoreFuncType;
    }
  | {
      readonly kind: 'builtin';
      readonly name: string;
      readonly type: CoreFuncType | undefined;
      readonly immediates: BuiltinImmediates;
    };

/** What a canonical built-in was defined with, as far as this host runs built-ins that have it. */
export interface BuiltinImmediates {
  /** The result of the task that `task.return` ends. */
  readonly result?: TypeRef;
  readonly options?: CanonOptions;
  readonly memory?: CoreAlias;
  /** `async` of a cancellation, `cancellable` of a wait. */
  readonly flag?: true;
  /** Of `context.get` and `context.set`. */
  readonly slot?: number;
}

export type StringEncoding = 'utf8' | 'utf16' | 'latin1+utf16';

/** `canonopt*`: how a function is lifted or lowered. */
export interface CanonOptions {
  readonly encoding: StringEncoding;
  readonly memory?: CoreAlias;
  readonly realloc?: CoreFunc;
  readonly postReturn?: CoreFunc;
  readonly async?: true;
  readonly callback?: CoreFunc;
}
