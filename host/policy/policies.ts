import type { Clock } from '../clock.ts';
import { HostError } from '../errors.ts';
import { PolicyBoard } from './board.ts';
import { Compiler, type PolicyFile } from './compile.ts';
import { readPolicyFolder } from './folder.ts';
import { faultText, type PolicyFault } from './place.ts';
import type { PolicySet } from './rule.ts';
import { readEntities } from './toml.ts';
import { PolicyWatch } from './watch.ts';

/** What a policy folder says, or all that is wrong with it. */
export interface LoadedFolder {
  readonly set: PolicySet | undefined;
  readonly faults: readonly PolicyFault[];
  readonly fileCount: number;
  readonly cases: readonly PolicyFile[];
}

/** Reads policy folders again and again: what did not change is not looked at anew. */
export class PolicyReader {
  readonly #compiler = new Compiler();

  /** Bad policies come back as faults, and then there is no set: one bad policy refuses them all. */
  read(folder: string): LoadedFolder {
    const { policies, entities: entitiesText, cases, faults: unread } = readPolicyFolder(folder);
    const { entities, faults: ofEntities } = readEntities(entitiesText);
    const compiled = this.#compiler.compile(policies, entities);
    const faults = [...unread, ...ofEntities, ...compiled.faults];
    const fileCount = policies.length;
    return { set: faults.length === 0 ? compiled.set : undefined, faults, fileCount, cases };
  }
}

/** The host's policies: a folder, what of it is in force, and the lines to the threads that decide. */
export class Policies {
  readonly board: PolicyBoard = new PolicyBoard();
  readonly folder: string;
  readonly #reader = new PolicyReader();
  #watch: PolicyWatch | undefined;

  constructor(folder: string) {
    this.folder = folder;
  }

  /**
   * Puts what the folder says in force, and returns the version. When anything is wrong with it, what was in force
   * before goes on.
   * @throws HostError `HOST_ERR_POLICY_INVALID` with a line for each fault
   */
  load(): number {
    const { set, faults } = this.#reader.read(this.folder);
    if (set === undefined) throw invalidPolicies(this.folder, faults);
    return this.board.publish(set);
  }

  /**
   * Puts the folder in force as `load` does, and from then on each change of it; `told` gets the version, or why a
   * change was not taken.
   * @throws HostError as `load` does, and then nothing is watched
   */
  watch(clock: Clock, told: (result: number | HostError) => void): void {
    this.#watch?.close();
    // Watched first, read second: a change in between is not missed.
    const watch = new PolicyWatch({ folder: this.folder, clock, onChange: () => told(this.#attempt()) });
    this.#watch = watch;
    try {
      this.load();
    } catch (error) {
      watch.close();
      throw error;
    }
  }

  #attempt(): number | HostError {
    try {
      return this.load();
    } catch (error) {
      if (error instanceof HostError) return error;
      throw error;
    }
  }

  close(): void {
    this.#watch?.close();
    this.board.close();
  }
}

const shownMax = 20;

/** The error that a folder's policies are not taken. */
export function invalidPolicies(folder: string, faults: readonly PolicyFault[]): HostError {
  const lines = faults.slice(0, shownMax).map((fault) => `  ${faultText(fault)}`);
  const more = faults.length > shownMax ? [`  and ${faults.length - shownMax} more`] : [];
  const text = [`${folder}: the policies are not taken:`, ...lines, ...more].join('\n');
  return new HostError('HOST_ERR_POLICY_INVALID', text, { folder, faults: faults.slice(0, shownMax) });
}
