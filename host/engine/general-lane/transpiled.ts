/** A component as an ES module that joins its core modules; text, bytes and plain data, so that it can be kept on disk. */
export interface Transpiled {
  /** Text of an ES module without imports whose `instantiate` takes everything it uses as arguments. */
  readonly glue: string;
  readonly coreModules: readonly CoreModule[];
  /** The imports that may wait, as they were asked for. */
  readonly suspendingImports: readonly string[];
}

export interface CoreModule {
  /** The name the glue asks for. */
  readonly name: string;
  /** The generator made it, to join functions of two components. */
  readonly isJoint: boolean;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What crosses to the preparation thread. */
export interface TranspileRequest {
  /** The component, with stubs for its core modules. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Its core modules, by the number in their stub. */
  readonly modules: readonly Uint8Array<ArrayBuffer>[];
  /** `instanceParents` of the component. */
  readonly parents: readonly number[];
  /** Full names of the imported interfaces. */
  readonly importedInterfaces: readonly string[];
  readonly suspendingImports: readonly string[];
  /** Full names of the exported functions that may be suspended. */
  readonly suspendableExports: readonly string[];
}

/** What comes back: a result, or why the component cannot be taken. */
export type TranspileReply =
  | { readonly kind: 'done'; readonly generated: Transpiled }
  | { readonly kind: 'malformed' | 'unsupported' | 'failed'; readonly reason: string };
