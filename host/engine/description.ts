import { plainText } from '../errors.ts';
import { type Artifact, type ArtifactModule, httpExportOf } from './artifact.ts';
import { printWorld } from './component/print-world.ts';
import { offers } from './wasi/preview2/offer.ts';
import { isPreview3, offers as offers3 } from './wasi/preview3/offer.ts';

/** What `host inspect` tells of a program; JSON-able. */
export interface Description {
  readonly digest: string;
  readonly kind: 'component' | 'core module';
  readonly bytes: number;
  /** How it would run, and why not faster. */
  readonly lane: string;
  readonly laneReason?: string;
  /** What `host run` would call. */
  readonly main: string;
  /** The world in WIT, or a core module's imports and exports. */
  readonly interface: string;
  readonly modules: readonly ModuleDescription[];
  /** Flags it may need, each with what asks for it. */
  readonly needs: readonly { readonly flag: string; readonly because: string }[];
}

export interface ModuleDescription {
  readonly name: string;
  readonly bytes: number;
  readonly functions: number;
  readonly memoryPages: number;
  readonly tableElements: number;
}

export function describeArtifact({ facts }: Artifact): Description {
  const { world } = facts;
  return {
    digest: `sha256:${facts.digest}`,
    kind: world === undefined ? 'core module' : 'component',
    bytes: facts.sourceBytes,
    lane: facts.lane,
    ...(facts.laneReason === undefined ? {} : { laneReason: facts.laneReason }),
    main: mainText(facts.main),
    interface: world === undefined ? coreInterface(facts.modules[0]) : printWorld(world),
    modules: facts.modules.map(describeModule),
    needs: needsOf(
      facts.world?.imports.map(({ name }) => name) ??
        facts.modules[0]?.summary.imports.map(({ module }) => module) ??
        [],
    ),
  };
}

function mainText(main: Artifact['facts']['main']): string {
  const http = httpExportOf(main);
  const serves = http === undefined ? '' : `${http}, for each request (host dev)`;
  if (main.kind === 'command') return serves === '' ? main.export : `${main.export}; ${serves}`;
  if (main.kind === 'handler')
    return `${main.hasLife ? 'start, handle, stop' : 'handle'}${main.hasHealth ? ', health' : ''}`;
  if (main.kind === 'http') return serves;
  return 'nothing (call an export with --invoke)';
}

function describeModule({
  name,
  sourceBytes,
  summary,
  memoryPages,
  tableElements,
}: ArtifactModule): ModuleDescription {
  return {
    name,
    bytes: sourceBytes,
    functions: summary.functionCount,
    memoryPages,
    tableElements,
  };
}

function coreInterface(module: ArtifactModule | undefined): string {
  const imports = module?.summary.imports ?? [];
  const exports = (module?.summary.exports ?? []).filter(({ kind }) => kind !== 'function');
  const functions = module?.functions ?? [];
  const lines = [
    ...imports.map(({ module: from, name, kind, type }) => `  import ${from}.${name}: ${kind} ${type}`),
    ...functions.map(
      ({ name, params, results }) => `  export ${name}: (${params.join(', ')}) -> (${results.join(', ')})`,
    ),
    ...exports.map(({ name, kind, type }) => `  export ${name}: ${kind} ${type}`),
  ];
  return `module {\n${lines.map((line) => plainText(line)).join('\n')}\n}\n`;
}

function needsOf(imports: readonly string[]): Description['needs'] {
  const needs = new Map<string, string>();
  for (const name of imports) {
    const bare = name.replace(/@.*$/, '');
    const need = isPreview3(name) ? offers3[bare] : offers[bare]?.needs;
    if (need !== undefined && need !== 'none' && !needs.has(need)) needs.set(need, name);
    if (name === 'wasi_snapshot_preview1' || name === 'wasi_unstable') {
      needs.set('--dir', `${name} (if it opens files)`);
      needs.set('--env', `${name} (if it reads variables)`);
    }
  }
  return [...needs].map(([flag, because]) => ({ flag, because }));
}
