import { compareGrants } from '../capability/difference.ts';
import type { Spec } from './spec.ts';

/** What the new version of an agent asks for that the present one does not, and the other way round. */
export interface Difference {
  readonly fromDigest: string;
  readonly toDigest: string;
  readonly newImports: readonly string[];
  readonly droppedImports: readonly string[];
  /** Manifest lines: `[capabilities.bus] send += "agent.audit"`. */
  readonly newGrants: readonly string[];
  readonly droppedGrants: readonly string[];
  /** Somebody else signed it than the version before: `ed25519:… → ed25519:…`. */
  readonly newSigner?: string | undefined;
}

export function differenceOf(from: Spec, to: Spec): Difference {
  const [fromImports, toImports] = [importsOf(from), importsOf(to)];
  return {
    fromDigest: from.program.facts.digest,
    toDigest: to.program.facts.digest,
    newImports: without(toImports, fromImports),
    droppedImports: without(fromImports, toImports),
    ...compareGrants(from.manifest, to.manifest),
  };
}

/** Whether an operator has to be asked. */
export function wantsMore({ newImports, newGrants, newSigner }: Difference): boolean {
  return newImports.length > 0 || newGrants.length > 0 || newSigner !== undefined;
}

/** What a program imports that can do something, by full interface name, sorted; of a core module `module#name`. */
export function importsOf({ program: { facts } }: Pick<Spec, 'program'>): readonly string[] {
  const names =
    facts.world === undefined
      ? facts.modules.flatMap(({ summary }) => summary.imports.map(({ module, name }) => `${module}#${name}`))
      : facts.world.imports.filter(({ kind }) => kind !== 'type').map(({ name }) => name);
  return [...new Set(names)].sort();
}

function without(all: readonly string[], known: readonly string[]): string[] {
  const set = new Set(known);
  return all.filter((each) => !set.has(each));
}
