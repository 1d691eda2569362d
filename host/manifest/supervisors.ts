import { isAgentName } from './name.ts';
import { pauseMsMax, pausesOf } from './pauses.ts';
import { defaultRestart, type Restart } from './restart.ts';
import type { Table } from './table.ts';

export type SupervisorStrategy = 'one-for-one' | 'one-for-all' | 'rest-for-one';

/** A supervisor of agents and of other supervisors: an entry of `supervisors.toml`. */
export interface SupervisorTree {
  readonly name: string;
  readonly strategy: SupervisorStrategy;
  /** Restarts there may be within `periodMs`; beyond, it gives up. */
  readonly restartsMax: number;
  readonly periodMs: number;
  /** How it is started again by its own supervisor when it gave up. */
  readonly restart: Pick<Restart, 'policy' | 'backoffMs' | 'backoffMsMax'>;
  /** In the order in which they are started: names of agents, and supervisors. */
  readonly children: readonly (string | SupervisorTree)[];
}

interface Entry extends Omit<SupervisorTree, 'children'> {
  readonly table: Table;
  readonly children: readonly string[];
}

const prefix = 'supervisor:';
const childrenMax = 10_000;
const depthMax = 16;
const defaultRestarts = { restartsMax: 3, periodMs: 5_000 };

/** The trees of a file, each by its root. @throws HostError `HOST_ERR_CONFIG_INVALID`, `HOST_ERR_LIMIT_INVALID` */
export function supervisorsOf(file: Table): readonly SupervisorTree[] {
  const entries = new Map<string, Entry>();
  for (const table of file.tables('supervisors')) {
    const entry = entryOf(table);
    if (entries.has(entry.name)) throw table.wrong('name', `another: '${entry.name}' is there already`);
    entries.set(entry.name, entry);
  }
  const parents = new Map<string, string>();
  for (const { name, table, children } of entries.values())
    for (const child of children) {
      const other = parents.get(child);
      if (other !== undefined)
        throw table.wrong('children', `without '${child}': the supervisor '${other}' has it already`);
      parents.set(child, name);
    }
  const roots = [...entries.values()].filter(({ name }) => !parents.has(prefix + name));
  const seen = new Set<string>();
  const trees = roots.map((root) => treeOf(root, entries, seen, 1));
  const [circular] = [...entries.values()].filter(({ name }) => !seen.has(name));
  if (circular === undefined) return trees;
  throw circular.table.wrong('children', `without a circle: '${circular.name}' is under itself`);
}

function entryOf(table: Table): Entry {
  table.only(['name', 'strategy', 'intensity', 'period', 'restart', 'backoff', 'backoff-max', 'children']);
  const name = table.text('name') ?? '';
  if (!isAgentName(name)) throw table.wrong('name', 'lower-case letters, digits and dashes, such as "shop"');
  const children = table.texts('children', 'billing');
  if (children.length === 0 || children.length > childrenMax)
    throw table.wrong('children', `1 to ${childrenMax} names, such as children = ["billing"]`);
  requireOnce(table, children);
  const wrong = children.find(
    (child) => !isAgentName(child.startsWith(prefix) ? child.slice(prefix.length) : child),
  );
  if (wrong !== undefined)
    throw table.wrong('children', `names of agents, or "${prefix}NAME"; '${wrong}' is none`);
  const { restartsMax, periodMs } = defaultRestarts;
  return {
    table,
    name,
    children,
    strategy: table.choice('strategy', ['one-for-one', 'one-for-all', 'rest-for-one'], 'one-for-one'),
    restartsMax: table.quantity('intensity', 'count', { min: 0, max: 1_000_000 }, restartsMax),
    periodMs: table.quantity('period', 'ms', { min: 1, max: pauseMsMax }, periodMs),
    restart: {
      policy: table.choice('restart', ['always', 'on-failure', 'never'], 'always'),
      ...pausesOf(table, defaultRestart),
    },
  };
}

/** `Table.texts` leaves repetitions out; here one is a slip that hides another name. */
function requireOnce(table: Table, children: readonly string[]): void {
  const written = table.value('children');
  if (!Array.isArray(written) || written.length === children.length) return;
  const twice = written.find((child, at) => written.indexOf(child) !== at);
  throw table.wrong('children', `each name once; '${twice}' is there twice`);
}

function treeOf(
  { table, children, ...entry }: Entry,
  entries: ReadonlyMap<string, Entry>,
  seen: Set<string>,
  depth: number,
): SupervisorTree {
  if (depth > depthMax) throw table.wrong('children', `at most ${depthMax} supervisors one under the other`);
  seen.add(entry.name);
  return {
    ...entry,
    children: children.map((child) => {
      if (!child.startsWith(prefix)) return child;
      const own = entries.get(child.slice(prefix.length));
      if (own === undefined)
        throw table.wrong(
          'children',
          `supervisors of this file; there is no '${child.slice(prefix.length)}'`,
        );
      return treeOf(own, entries, seen, depth + 1);
    }),
  };
}

/** All agents of a tree. */
export function agentsOf({ children }: SupervisorTree): readonly string[] {
  return children.flatMap((child) => (typeof child === 'string' ? [child] : agentsOf(child)));
}
