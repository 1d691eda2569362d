import type { Artifact, ArtifactFacts } from './artifact.ts';
import { declaredTypes } from './declared-types.ts';

/**
 * A prepared program with its modules compiled. It can be structured-cloned: compiled once, it is posted to
 * every thread, where `launch` instantiates it without compiling again.
 */
export interface Program {
  readonly facts: ArtifactFacts;
  /** In the order of `facts.modules`. */
  readonly modules: readonly WebAssembly.Module[];
  /** File with the general lane's module text. */
  readonly gluePath?: string;
}

/**
 * Compiles an artifact.
 * @throws HostError `HOST_ERR_MODULE_UNSUPPORTED` when this process has taken too many types
 */
export function loadProgram({ facts, modules, gluePath }: Artifact): Program {
  for (const { digest, summary } of facts.modules) declaredTypes.admit(digest, summary.typeCount);
  const compiled = modules.map((bytes) => new WebAssembly.Module(bytes));
  return { facts, modules: compiled, ...(gluePath === undefined ? {} : { gluePath }) };
}

export function isProgram(prepared: Artifact | Program): prepared is Program {
  return prepared.modules.every((each) => each instanceof WebAssembly.Module);
}

/** Whether an idle agent's state can be taken out of memory, and why not. */
export type Saveable = { readonly possible: true } | { readonly possible: false; readonly reason: string };

/** Whether agents of a program can hibernate; a matter of the program alone, known before it runs. */
export function saveableOf({ facts, modules }: Program): Saveable {
  const [module] = modules;
  const summary = facts.modules[0]?.summary;
  if (facts.lane !== 'fast' || module === undefined || summary === undefined)
    return unsaveable(`it runs on the ${facts.lane} lane, whose state cannot be saved`);
  if (!summary.snapshot.possible) return unsaveable(summary.snapshot.reason);
  if (summary.memories.some(({ imported }) => imported)) return unsaveable('it imports a memory');
  if (summary.mutableGlobals.some(({ imported }) => imported)) return unsaveable('it shares a global');
  // What it was granted of the engine's heap is counted inside the module, and would pass to the next agent.
  if (
    WebAssembly.Module.imports(module).some(({ module: from, name }) => from === meter && name === allocate)
  )
    return unsaveable("it makes objects in the engine's heap");
  return { possible: true };
}

const meter = 'motehost:meter';
const allocate = 'allocate';

const unsaveable = (reason: string): Saveable => ({ possible: false, reason });
