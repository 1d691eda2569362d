/** One subcommand of `host`. Its file is loaded only when it is called. */
export interface Command {
  /** One line for `host --help`. */
  readonly summary: string;
  /** What `host NAME --help` prints. */
  readonly help: string;
  /** Whether nothing is left to wait for once `run` has settled, whatever a guest left behind. */
  readonly endsProcess?: true;
  /**
   * Runs with the words after the subcommand's name.
   * @returns the process's exit code (see `exit-code.ts`)
   * @throws HostError, which the front door prints as one line
   */
  run(args: readonly string[]): Promise<number>;
}
