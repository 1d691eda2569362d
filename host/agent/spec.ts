import type { Program } from '../engine/program.ts';
import type { Limits } from '../limits.ts';
import type { Manifest } from '../manifest.ts';

/**
 * What any number of agents have in common but their names: a program, compiled, and all that their manifest
 * says. Plain data, posted to a thread once.
 */
export interface Spec {
  /** Names it among the threads of one process. */
  readonly number: number;
  readonly program: Program;
  readonly manifest: Manifest;
  /** The file whose lines errors and denials name. */
  readonly manifestPath: string;
  /** Of each message; memory, tables and open files of an instance's whole life. */
  readonly limits: Limits;
  /** What the agent is told of its manifest's settings, as WIT has it. */
  readonly settings: readonly { readonly name: string; readonly value: string }[];
  /** Its variables, secrets filled in. */
  readonly environment: readonly (readonly [name: string, value: string])[];
  /** On whose behalf it was installed, where policies decide. */
  readonly startedBy?: string;
  /** Actions of policies that a person approved when it was installed. */
  readonly approved?: readonly string[];
  /** Whose signature its component has; undefined: it has none that counts. */
  readonly signer?: string;
}
