/** What the evaluating process is told, as JSON in its only argument. */
export interface EvaluationJob {
  /** Holds the `jobFiles`. */
  readonly folder: string;
  /** The engine's native part. */
  readonly enginePath: string;
  readonly world: string;
}

/** Files by which the two processes exchange what is large; one of the last two is there at the end. */
export const jobFiles = {
  world: 'world.wit',
  program: 'program.js',
  runtime: 'runtime.wasm',
  component: 'component.wasm',
  failure: 'failure.txt',
} as const;
