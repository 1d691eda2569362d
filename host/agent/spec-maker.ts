import { type Artifact, httpExportOf } from '../engine/artifact.ts';
import { loadProgram, type Program, saveableOf } from '../engine/program.ts';
import { HostError } from '../errors.ts';
import { defaultLimits, intersect, type Limits } from '../limits.ts';
import type { Level } from '../manifest/scheduling.ts';
import type { Manifest } from '../manifest.ts';
import { requireUnderCeiling } from './priority-ceiling.ts';
import type { Spec } from './spec.ts';

export interface SpecMakerOptions {
  readonly prepare: (component: Uint8Array<ArrayBuffer>) => Promise<Artifact>;
  /** What the host allows at most; manifests narrow it. */
  readonly limits: Partial<Limits>;
  /** The first level that a manifest may have or ask for; default: any. */
  readonly priorityMax?: Level | undefined;
  /** The value of a secret. @throws HostError `HOST_ERR_SECRET_UNKNOWN` */
  readonly secret: (handle: string, path: string) => string;
}

/** Makes specs of manifests and components; a program that several agents have is compiled once. */
export class SpecMaker {
  readonly #options: SpecMakerOptions;
  readonly #programs = new Map<string, WeakRef<Program>>();
  #nextNumber = 1;

  constructor(options: SpecMakerOptions) {
    this.#options = options;
  }

  /**
   * `componentPath` is what errors call the component.
   * @throws HostError for a component that cannot be prepared; `HOST_ERR_WORLD_MISMATCH` for one that neither
   * handles messages nor answers HTTP requests; `HOST_ERR_LIMIT_INVALID` beyond `priorityMax`; `HOST_ERR_CONFIG_INVALID` where manifest and component disagree
   */
  async make(
    manifest: Manifest,
    manifestPath: string,
    component: Uint8Array<ArrayBuffer>,
    componentPath: string = manifestPath,
  ): Promise<Spec> {
    requireUnderCeiling(manifest, manifestPath, this.#options.priorityMax);
    const artifact = await this.#prepare(component, componentPath);
    const program = this.#programOf(artifact);
    checkWorld(program, manifest, manifestPath);
    checkErrors(program, manifest, manifestPath);
    checkHistory(program, manifest, manifestPath);
    const limits = intersect(intersect(defaultLimits, this.#options.limits), manifest.limits);
    return {
      number: this.#nextNumber++,
      program,
      manifest,
      manifestPath,
      limits,
      settings: manifest.settings.map(([name, value]) => ({ name, value })),
      environment: this.#environmentOf(manifest, manifestPath),
    };
  }

  /** Another spec of the same program, which threads tell apart from the first. */
  derive(spec: Spec, changes: Partial<Omit<Spec, 'number' | 'program'>>): Spec {
    return { ...spec, ...changes, number: this.#nextNumber++ };
  }

  /** What is wrong with a component says nothing of whose it is. */
  async #prepare(component: Uint8Array<ArrayBuffer>, path: string): Promise<Artifact> {
    try {
      return await this.#options.prepare(component);
    } catch (thrown) {
      if (!(thrown instanceof HostError)) throw thrown;
      throw new HostError(thrown.code, `${path}: ${thrown.message}`, { ...thrown.data, path }, thrown);
    }
  }

  #environmentOf({ grants: { environment } }: Manifest, path: string): Spec['environment'] {
    return environment.map((each) => [
      each.name,
      each.kind === 'text' ? each.text : this.#options.secret(each.secret, path),
    ]);
  }

  #programOf(artifact: Artifact): Program {
    const { digest } = artifact.facts;
    const known = this.#programs.get(digest)?.deref();
    if (known !== undefined) return known;
    const program = loadProgram(artifact);
    this.#programs.set(digest, new WeakRef(program));
    return program;
  }
}

/** What a manifest says of failures must be possible: nothing falls back to less. */
function checkErrors(program: Program, { name, errors }: Manifest, path: string): void {
  const isHttp = httpExportOf(program.facts.main) !== undefined;
  if (isHttp && (errors.state === 'saved' || Object.keys(errors.steps).length > 0))
    throw new HostError(
      'HOST_ERR_CONFIG_INVALID',
      `${path}: [errors] is for agents that take messages; ${name} answers HTTP requests, each in an instance of its own`,
      { path, key: 'errors' },
    );
  const saveable = saveableOf(program);
  if (errors.state === 'clean' || saveable.possible) return;
  throw new HostError(
    'HOST_ERR_CONFIG_INVALID',
    `${path}: errors.state = "saved" needs a program whose state can be saved, and ${saveable.reason}; write state = "clean"`,
    { path, key: 'errors.state' },
  );
}

/** Streams and futures are told bit by bit, which no history keeps. */
function checkHistory({ facts: { hasTasks } }: Program, { name, history }: Manifest, path: string): void {
  if (hasTasks !== true || !history.record) return;
  throw new HostError(
    'HOST_ERR_CONFIG_INVALID',
    `${path}: ${name} has asynchronous tasks on the general lane, which cannot be recorded; leave out history.record`,
    { path, key: 'history.record' },
  );
}

function checkWorld({ facts: { main } }: Program, { name, route }: Manifest, path: string): void {
  if (httpExportOf(main) !== undefined) {
    if (route !== undefined) return;
    throw new HostError(
      'HOST_ERR_CONFIG_INVALID',
      `${path}: ${name} answers HTTP requests and needs a route: [http] route = "/${name}"`,
      { path, key: 'http.route' },
    );
  }
  if (main.kind !== 'handler') {
    throw new HostError(
      'HOST_ERR_WORLD_MISMATCH',
      `${path}: ${name} is a ${main.kind === 'command' ? 'command, which host run runs once' : 'program without handle'}; host serve keeps agents (worlds handler and agent) and wasi:http components`,
      { path },
    );
  }
  if (route === undefined) return;
  throw new HostError(
    'HOST_ERR_CONFIG_INVALID',
    `${path}: http.route is for wasi:http components; ${name} takes messages: POST /v1/agents/${name}/invoke`,
    { path, key: 'http.route' },
  );
}
