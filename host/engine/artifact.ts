import type { World } from './component/world.ts';
import type { FastPlan } from './fast-lane/plan.ts';
import type { ModuleSummary } from './meter/summary.ts';

/** How a program runs: a bare core module, a component on our own adapter, or a component on jco's output. */
export type Lane = 'core' | 'fast' | 'general';

/** What `host run FILE` calls when nothing else is said. */
export type Main =
  /** `http`: what it answers HTTP requests by, where it does that too. */
  | { readonly kind: 'command'; readonly export: string; readonly http?: string }
  | {
      readonly kind: 'handler';
      readonly hasLife: boolean;
      /** It exports `health`, and is asked by it how it is. */
      readonly hasHealth: boolean;
    }
  /** Answers HTTP requests: `export` is its `wasi:http/incoming-handler@0.2.x#handle` or `wasi:http/handler@0.3.x#handle`. */
  | { readonly kind: 'http'; readonly export: string }
  | { readonly kind: 'none'; readonly exports: readonly string[] };

/** What a program answers HTTP requests by, whatever else it does. */
export function httpExportOf(main: Main): string | undefined {
  if (main.kind === 'http') return main.export;
  return main.kind === 'command' ? main.http : undefined;
}

/** One core module of a program, metered. */
export interface ArtifactModule {
  readonly name: string;
  /** SHA-256 of its bytes before metering, lower-case hex. */
  readonly digest: string;
  readonly summary: ModuleSummary;
  readonly sourceBytes: number;
  /** Pages of the memories it defines, to begin with. */
  readonly memoryPages: number;
  /** Elements of the tables it defines, to begin with. */
  readonly tableElements: number;
  /** Exported functions with their core types, of a bare core module. */
  readonly functions?: readonly CoreFunction[];
}

export interface CoreFunction {
  readonly name: string;
  readonly params: readonly string[];
  readonly results: readonly string[];
}

/** What is known of a prepared program; plain data, kept in the store's header. */
export interface ArtifactFacts {
  /** SHA-256 of the program's bytes, lower-case hex. */
  readonly digest: string;
  readonly sourceBytes: number;
  readonly lane: Lane;
  /** Why a component did not get the fast lane. */
  readonly laneReason?: string;
  readonly main: Main;
  /** Of the general lane: its functions are tasks of the asynchronous ABI, which may go on after they returned. */
  readonly hasTasks?: true;
  /** Of a component. */
  readonly world?: World;
  readonly plan?: FastPlan;
  readonly modules: readonly ArtifactModule[];
  /** SHA-256 of the general lane's module text. */
  readonly glueDigest?: string;
}

/** A prepared program: facts, metered core modules, and for the general lane the module that joins them. */
export interface Artifact {
  readonly facts: ArtifactFacts;
  /** Metered core modules, in the order of `facts.modules`. */
  readonly modules: readonly Uint8Array<ArrayBuffer>[];
  /** File with the general lane's module text. */
  readonly gluePath?: string;
}
