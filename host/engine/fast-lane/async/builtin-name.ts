/** The canonical built-ins of the asynchronous ABI that this lane runs; the others send a component to the general lane. */
const names = [
  'task.return',
  'task.cancel',
  'context.get',
  'context.set',
  'backpressure.inc',
  'backpressure.dec',
  'waitable-set.new',
  'waitable-set.wait',
  'waitable-set.poll',
  'waitable-set.drop',
  'waitable.join',
  'subtask.cancel',
  'subtask.drop',
  'thread.yield',
] as const;

export type BuiltinName = (typeof names)[number];

const known: ReadonlySet<string> = new Set(names);

export function isBuiltinName(name: string): name is BuiltinName {
  return known.has(name);
}

/** A built-in as a core module imports it. */
export interface PlannedBuiltin {
  readonly builtin: BuiltinName;
  /** The core import it satisfies. */
  readonly module: string;
  readonly name: string;
  /** The core export that `waitable-set.wait` and `.poll` write their event to. */
  readonly memory?: string;
  /** Of `context.get` and `context.set`. */
  readonly slot?: number;
  /** Of a `subtask.cancel` that does not wait. */
  readonly async?: true;
  /** Names of the exports whose tasks a `task.return` ends. */
  readonly returns?: readonly string[];
}
