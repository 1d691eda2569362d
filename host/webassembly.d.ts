/** The WebAssembly JavaScript interface with JSPI, as Node 26 has it; TypeScript declares it only in its DOM library. */
declare namespace WebAssembly {
  type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128' | 'externref' | 'anyfunc';
  interface GlobalValues {
    i32: number;
    i64: bigint;
    f32: number;
    f64: number;
    externref: unknown;
    anyfunc: unknown;
    v128: never;
  }
  class Global<T extends keyof GlobalValues = keyof GlobalValues> {
    constructor(descriptor: { value: T; mutable?: boolean }, initial?: GlobalValues[T]);
    value: GlobalValues[T];
    valueOf(): GlobalValues[T];
  }
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number; shared?: boolean });
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
  class Table {
    constructor(
      descriptor: { initial: number; maximum?: number; element: 'anyfunc' | 'externref' },
      value?: unknown,
    );
    readonly length: number;
    get(index: number): unknown;
    set(index: number, value?: unknown): void;
    grow(delta: number, value?: unknown): number;
  }
  class Tag {
    constructor(descriptor: { parameters: ValueType[] });
  }
  class Exception extends Error {
    constructor(tag: Tag, payload: unknown[]);
    is(tag: Tag): boolean;
    getArg(tag: Tag, index: number): unknown;
  }
  type ImportExportKind = 'function' | 'global' | 'memory' | 'table' | 'tag';
  interface ModuleExportDescriptor {
    name: string;
    kind: ImportExportKind;
  }
  interface ModuleImportDescriptor extends ModuleExportDescriptor {
    module: string;
  }
  class Module {
    constructor(bytes: Uint8Array | ArrayBuffer);
    static exports(module: Module): ModuleExportDescriptor[];
    static imports(module: Module): ModuleImportDescriptor[];
    static customSections(module: Module, name: string): ArrayBuffer[];
  }
  // biome-ignore lint/suspicious/noExplicitAny: an exported wasm function takes and gives numbers, bigints and references
  type ExportedFunction = (...args: any[]) => any;
  type ExportValue = ExportedFunction | Global | Memory | Table | Tag;
  type ImportValue = ExportValue | Suspending | number | bigint | ((...args: never[]) => unknown);
  type Imports = Record<string, Record<string, ImportValue>>;
  class Instance {
    constructor(module: Module, imports?: Imports);
    readonly exports: Record<string, ExportValue>;
  }
  /** JSPI: an import whose promise suspends the wasm stack below it. */
  class Suspending {
    constructor(fn: (...args: never[]) => unknown);
  }
  /** JSPI: an export that may be suspended; gives a promise. */
  // biome-ignore lint/suspicious/noExplicitAny: as ExportedFunction
  function promising(fn: ExportedFunction): (...args: any[]) => Promise<any>;
  function compile(bytes: Uint8Array | ArrayBuffer): Promise<Module>;
  function validate(bytes: Uint8Array | ArrayBuffer): boolean;
  class CompileError extends Error {}
  class LinkError extends Error {}
  class RuntimeError extends Error {}
}
