/** What `cargo build --message-format json` prints, a line each; of the many kinds those that are read here. */
export type CargoMessage = CargoArtifact | CargoDiagnostic | { readonly reason: 'other' };

/** A file that was made, now or in an earlier build. */
export interface CargoArtifact {
  readonly reason: 'compiler-artifact';
  /** Absolute. */
  readonly manifest_path: string;
  readonly target: {
    readonly kind: readonly string[];
    readonly name: string;
    readonly src_path: string;
  };
  readonly filenames: readonly string[];
}

/** Something the compiler has to say. */
export interface CargoDiagnostic {
  readonly reason: 'compiler-message';
  readonly manifest_path: string;
  readonly message: {
    readonly level: string;
    readonly message: string;
    readonly code: { readonly code: string } | null;
    /** Places in sources; none for summaries such as `aborting due to 2 previous errors`. */
    readonly spans: readonly unknown[];
    /** As the compiler shows it to people. */
    readonly rendered: string | null;
  };
}

/** Cargo's messages in their order. What else is on the stream, such as a build script's words, is passed over. */
export function readMessages(stdout: string): CargoMessage[] {
  return stdout.split('\n').flatMap((line) => {
    if (!line.startsWith('{"reason":')) return [];
    return [JSON.parse(line) as CargoMessage];
  });
}
