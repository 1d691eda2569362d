import type { Target } from './target.ts';

/** Languages an agent can be written in. */
export type LanguageName = 'assemblyscript' | 'rust' | 'typescript' | 'c';

/** What `host new` can begin with. */
export type Template = 'handler' | 'agent' | 'async' | 'http' | 'cli';

/** Those that every language has. */
export type CommonTemplate = Exclude<Template, 'async'>;

/** One agent's folder, as a build sees it. */
export interface Project {
  /** Absolute. */
  readonly folder: string;
  /** The agent's name: lower-case letters, digits and dashes. */
  readonly name: string;
  /** The source to begin with, relative to the folder. */
  readonly entry: string;
  readonly target: Target;
  /** Small and without names of functions, instead of quickly built and with names in traps. */
  readonly release: boolean;
}

export interface Built {
  /** A component, or for a command whatever module or component `host run` takes. */
  readonly bytes: Uint8Array;
  /** What the compiler warned of, as people read it. */
  readonly warnings: readonly string[];
  /**
   * The project's own files that went in: name relative to the folder, with slashes, and text; in name order.
   * When none of them changed, nothing is built again.
   */
  readonly sources: ReadonlyMap<string, string>;
}

/** One language: everything `host new`, `host build` and `host types` need of it. */
export interface Language {
  /** As people write it: `AssemblyScript`. */
  readonly title: string;
  /** Source a project begins with when its manifest names none. */
  readonly entry: string;
  /** The same for a command (a program with arguments and streams), where it is another. */
  readonly commandEntry?: string;
  /**
   * From sources to a program the host runs. The same sources, SDK and options give the same bytes.
   * @throws HostError `HOST_ERR_BUILD_FAILED` whose message shows every error with its place;
   * `HOST_ERR_TOOL_MISSING` with the command that installs what is missing
   */
  build(project: Project): Promise<Built>;
  /**
   * Writes what an editor needs to understand the project: declarations, headers. Called by `host new`, each
   * build and `host types`; writes only what changed.
   * @returns the files, relative to the folder
   */
  writeTypes(project: Project): Promise<readonly string[]>;
  /** What it can begin with. */
  readonly templates: readonly Template[];
  /** A new project's files by name, without `agent.toml`; `template` is one of `templates`. */
  scaffold(name: string, template: Template): ReadonlyMap<string, string>;
  /** Files of ours that shape an output besides the project's: they are part of what makes one stale. */
  toolFiles(): readonly string[];
}

/** Where a project begins whose manifest does not say it. */
export function entryOf({ entry, commandEntry }: Language, kind: Target['kind']): string {
  return kind === 'command' ? (commandEntry ?? entry) : entry;
}
