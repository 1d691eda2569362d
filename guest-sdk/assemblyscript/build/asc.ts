import { HostError } from '../../../host/errors.ts';
import type { Complaint } from '../../build/diagnostic.ts';

/** One run of the AssemblyScript compiler. */
export interface AscRun {
  /** Folder that file names in messages and in the output are relative to. */
  readonly baseDir: string;
  readonly entry: string;
  readonly flags: readonly string[];
  /** Library files that take the place of the compiler's own, by name (`bindings/dom.ts`). */
  readonly library: readonly string[];
  /** Gives the text of a source file by its name below `folder` (`baseDir` or `sdkLibrary`), or null. */
  readSource(name: string, folder: string): string | null;
  /** New names for functions that the language cannot export by their WIT name. */
  readonly exportNames: readonly (readonly [from: string, to: string])[];
  /** Compiler extensions that run before ours, as the compiler takes them: classes. */
  readonly transforms: readonly unknown[];
}

/** What the compiler made, or said. */
export interface AscOutput {
  /** The core module; undefined when there were errors. */
  readonly core: Uint8Array<ArrayBuffer> | undefined;
  readonly complaints: readonly Complaint[];
}

/** Stands for the folder of the SDK's sources; nothing of that name is looked for on disk. */
export const sdkLibrary = '@motehost-sdk';

interface BinaryenModule {
  getExport(name: string): number;
  removeExport(name: string): void;
  addFunctionExport(internalName: string, externalName: string): number;
  getGlobal(name: string): number;
  removeGlobal(name: string): void;
  addGlobal(name: string, type: number, isMutable: boolean, value: number): number;
  readonly i32: { const(value: number): number };
}

interface Binaryen {
  getExportInfo(reference: number): { readonly value: string };
  getGlobalInfo(reference: number): {
    readonly type: number;
    readonly mutable: boolean;
    readonly init: number;
  };
  getExpressionInfo(reference: number): { readonly value?: unknown };
}

/** Compiles in this process. @throws HostError `HOST_ERR_BUILD_FAILED` when the compiler itself gives up */
export async function runAsc(run: AscRun): Promise<AscOutput> {
  const { default: asc } = await import('assemblyscript/asc');
  const complaints: Complaint[] = [];
  let core: Uint8Array<ArrayBuffer> | undefined;
  const argv = [
    run.entry,
    '--baseDir',
    run.baseDir,
    '--outFile',
    'core.wasm',
    '--lib',
    sdkLibrary,
    ...run.flags,
  ];
  const { error } = await asc.main(argv, {
    stdout: asc.createMemoryStream(),
    stderr: asc.createMemoryStream(),
    readFile: (name, folder) => run.readSource(name.replaceAll('\\', '/'), folder),
    writeFile: (_name, contents) => {
      if (typeof contents !== 'string') core = new Uint8Array(contents);
    },
    listFiles: (folder) => (folder === sdkLibrary ? [...run.library] : []),
    reportDiagnostic: ({ code, category, message, range }) =>
      complaints.push({
        isError: category === errorCategory,
        code,
        text: message,
        file: range?.source?.normalizedPath,
        offset: range?.start ?? 0,
      }),
    transforms: [...run.transforms, exportRenamer(run.exportNames), HeapPlacer] as never[],
  });
  if (error !== null && !complaints.some(({ isError }) => isError))
    throw new HostError(
      'HOST_ERR_BUILD_FAILED',
      `the AssemblyScript compiler gave up: ${error.message}`,
      {},
      error,
    );
  return { core: error === null ? core : undefined, complaints };
}

/** `DiagnosticCategory.Error` of the compiler. */
const errorCategory = 3;

// The compiler sets `binaryen` on the prototype of what it is given, and takes classes only.
function exportRenamer(names: AscRun['exportNames']): never {
  class ExportRenamer {
    declare readonly binaryen: Pick<Binaryen, 'getExportInfo'>;

    afterCompile(module: BinaryenModule): void {
      const inner = new Map(
        names.map(([from]) => [from, this.binaryen.getExportInfo(module.getExport(from)).value]),
      );
      for (const from of inner.keys()) module.removeExport(from);
      for (const [from, to] of names) module.addFunctionExport(inner.get(from) as string, to);
    }
  }
  return ExportRenamer as never;
}

const blockBytes = 4096;
const pageBytes = 65_536;
/** Of the stack that lies before the heap: what most programs use of it. */
const stackBytesUsual = 512;
const heapBase = '~lib/memory/__heap_base';
const stackPointer = '~lib/memory/__stack_pointer';

/**
 * Makes the stack so much longer that what is used of it and the beginning of the heap lie in one block of memory:
 * each block an agent touches is one that every agent of the kind takes from the machine.
 */
class HeapPlacer {
  declare readonly binaryen: Binaryen;

  afterCompile(module: BinaryenModule): void {
    const base = this.#valueOf(module, heapBase);
    const top = this.#valueOf(module, stackPointer);
    if (base === undefined || base !== top) return;
    const placed = base + ((stackBytesUsual - base + blockBytes * pageBytes) % blockBytes);
    if (Math.floor(placed / pageBytes) !== Math.floor(base / pageBytes)) return;
    for (const name of [heapBase, stackPointer]) this.#set(module, name, placed);
  }

  #valueOf(module: BinaryenModule, name: string): number | undefined {
    const global = module.getGlobal(name);
    if (global === 0) return undefined;
    const { value } = this.binaryen.getExpressionInfo(this.binaryen.getGlobalInfo(global).init);
    return typeof value === 'number' ? value : undefined;
  }

  #set(module: BinaryenModule, name: string, value: number): void {
    const { type, mutable } = this.binaryen.getGlobalInfo(module.getGlobal(name));
    module.removeGlobal(name);
    module.addGlobal(name, type, mutable, module.i32.const(value));
  }
}
