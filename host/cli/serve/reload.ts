import { join, resolve } from 'node:path';
import { readStamp } from '../../../guest-sdk/build/stamp.ts';
import { systemClock } from '../../clock.ts';
import { HostError } from '../../errors.ts';
import type { LocalServing } from '../../host/serve.ts';
import type { Difference } from '../../host/serving.ts';
import { supervisorsFile } from '../../manifest.ts';
import { readRegularFile } from '../../regular-file.ts';
import { systemFault } from '../../system-fault.ts';
import { foldersIn, foldersOf, Watch } from '../dev/watch.ts';
import { differenceText } from '../difference.ts';
import { stampName } from '../project.ts';
import { type AgentFiles, agentPaths, loadAgent, readFolder, shown } from './agent-files.ts';
import { digestOf } from './digest.ts';
import { loadSupervisors } from './supervisor-file.ts';
import type { Voice } from './voice.ts';

/** How long nothing may change before a build: who saves several files saves them within moments. */
const quietMs = 60;
const digestCharsShown = 12;

interface Watched {
  /** As of what runs; undefined for one that never loaded. */
  name: string | undefined;
  digest: string | undefined;
  text: string | undefined;
  isBroken: boolean;
  readonly watch: Watch;
}

export interface ReloadOptions {
  /** As the command line names them: folders of agents are looked through for new ones. */
  readonly roots: readonly string[];
  readonly agents: readonly AgentFiles[];
  readonly serving: LocalServing;
  readonly voice: Voice;
}

/** Hot reload: what changes on disk is built and takes over; what does not build leaves the version before alone. */
export class Reload {
  readonly #options: ReloadOptions;
  readonly #agents = new Map<string, Watched>();
  readonly #rootWatch: Watch;
  readonly #end = new AbortController();
  readonly #changedPaths = new Set<string>();
  #areRootsChanged = false;
  /** As they were when this began, or as was last said of them. */
  #supervisors: string;
  #changes = 0;
  #wake: () => void = () => {};
  readonly #loop: Promise<void>;

  constructor(options: ReloadOptions) {
    this.#options = options;
    this.#supervisors = supervisorsText(options.roots);
    for (const agent of options.agents) this.#add(agent.path, agent);
    this.#rootWatch = new Watch(() => {
      this.#areRootsChanged = true;
      this.#onChange();
    });
    this.#rootWatch.set(foldersOf(this.#manyRoots().map((root) => join(resolve(root), 'any'))));
    // What changed between reading and watching has told nobody.
    for (const path of this.#agents.keys()) this.#changedPaths.add(path);
    this.#areRootsChanged = true;
    this.#loop = this.#run();
  }

  /** Ends it; a build under way is given up. */
  async close(): Promise<void> {
    this.#end.abort('host serve ends');
    this.#wake();
    await this.#loop;
    this.#rootWatch.close();
    for (const { watch } of this.#agents.values()) watch.close();
  }

  /** Folders of agents, other than agents themselves. */
  #manyRoots(): string[] {
    return this.#options.roots.filter((root) => !this.#agents.has(root) && !root.endsWith('.wasm'));
  }

  #add(path: string, files: AgentFiles | undefined): Watched {
    const watch = new Watch(() => {
      this.#changedPaths.add(path);
      this.#onChange();
    });
    const watched: Watched = { name: undefined, digest: undefined, text: undefined, isBroken: false, watch };
    if (files !== undefined) remember(watched, files);
    this.#agents.set(path, watched);
    watch.set(foldersToWatch(path));
    return watched;
  }

  #onChange(): void {
    this.#changes += 1;
    this.#wake();
  }

  async #run(): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      if (this.#changedPaths.size === 0 && !this.#areRootsChanged)
        await new Promise<void>((wake) => {
          this.#wake = wake;
        });
      await this.#quiet();
      if (!signal.aborted) await this.#round();
    }
  }

  async #quiet(): Promise<void> {
    const { signal } = this.#end;
    for (let seen = -1; seen !== this.#changes && !signal.aborted; ) {
      seen = this.#changes;
      await systemClock.sleep(quietMs, signal).catch(() => {});
    }
  }

  async #round(): Promise<void> {
    const areRootsChanged = this.#areRootsChanged;
    if (areRootsChanged) this.#lookForNew();
    const paths = [...this.#changedPaths];
    this.#changedPaths.clear();
    for (const path of paths) if (!this.#end.signal.aborted) await this.#renew(path);
    if (areRootsChanged && !this.#end.signal.aborted) await this.#lookAtSupervisors();
  }

  #lookForNew(): void {
    this.#areRootsChanged = false;
    for (const root of this.#manyRoots()) {
      for (const path of pathsOrNone(root)) if (!this.#agents.has(path)) this.#changedPaths.add(path);
    }
  }

  /** Once the agents are there that a new tree may name. */
  async #lookAtSupervisors(): Promise<void> {
    const now = supervisorsText(this.#options.roots);
    if (now === this.#supervisors) return;
    this.#supervisors = now;
    const { roots, serving, voice } = this.#options;
    try {
      const { began, ended } = await serving.renewSupervisors(loadSupervisors(roots));
      const gone = ended.filter((name) => !began.includes(name));
      const words = [...began.map((name) => `${name} is new`), ...gone.map((name) => `${name} is gone`)];
      voice.say(`${supervisorsFile} changed: ${words.join(', ') || 'the trees are as they were'}`);
    } catch (thrown) {
      if (!(thrown instanceof HostError)) throw thrown;
      voice.say(thrown.message, 'error');
      voice.say(`the supervisors go on as they were; waiting for a change in ${supervisorsFile}`);
    }
  }

  async #renew(path: string): Promise<void> {
    const { voice } = this.#options;
    const watched = this.#agents.get(path) ?? this.#add(path, undefined);
    try {
      const files = await loadAgent(path, voice.say, this.#end.signal);
      watched.watch.set(foldersToWatch(path));
      if (watched.text === files.text && watched.digest === digestOf(files.component)) this.#mended(watched);
      else await this.#upgrade(watched, files);
    } catch (thrown) {
      if (this.#end.signal.aborted) return;
      // A folder may go while it is read: one agent's trouble does not end the host.
      const reason = systemFault(thrown);
      voice.say(thrown instanceof HostError ? reason : `cannot read ${shown(path)}: ${reason}`, 'error');
      const goesOn = watched.name === undefined ? '' : `${watched.name} goes on as it was; `;
      voice.say(`${goesOn}waiting for a change in ${shown(path)}`);
      watched.isBroken = true;
    }
  }

  /** A change that could not be taken was taken back: of sources that did not build, or of a wrong manifest. */
  #mended(watched: Watched): void {
    if (watched.isBroken) this.#options.voice.say(`${watched.name} is in order again, and goes on as it was`);
    watched.isBroken = false;
  }

  async #upgrade(watched: Watched, files: AgentFiles): Promise<void> {
    const { serving, voice } = this.#options;
    const { manifest, manifestPath, component } = files;
    if (watched.name !== undefined && watched.name !== manifest.name) return this.#renamed(watched, files);
    const before = watched.name === undefined ? undefined : await serving.agent(manifest.name);
    const installed = await serving.upgrade(manifestPath, manifest, component, files.text, files.signature);
    if (installed.kind === 'wants-more') {
      voice.say(`${manifest.name} wants more than it has, and was not replaced`, 'warn');
      return voice.show(differenceText(installed.difference));
    }
    remember(watched, files);
    if (installed.kind === 'unchanged') return voice.say(`${manifest.name} is as it was`);
    const verb = before === undefined ? 'is new' : 'is replaced';
    voice.say(`${manifest.name} ${verb}: ${installed.agent.digest.slice(0, digestCharsShown)}`);
    const difference = installed.difference ?? importsBetween(before?.imports, installed.agent.imports);
    voice.show(differenceText(difference));
  }

  #renamed(watched: Watched, { manifest }: AgentFiles): void {
    const names = `${watched.name} is called ${manifest.name} now`;
    this.#options.voice.say(
      `${names}; it goes on under its old name until host serve is started again`,
      'warn',
    );
  }
}

function remember(watched: Watched, files: AgentFiles): void {
  watched.name = files.manifest.name;
  watched.digest = digestOf(files.component);
  watched.text = files.text;
  watched.isBroken = false;
}

/** What is in the files of supervisors; one that cannot be read is as none. */
function supervisorsText(roots: readonly string[]): string {
  return roots.map((root) => textOrNone(join(root, supervisorsFile))).join('\0');
}

function textOrNone(path: string): string {
  try {
    return readRegularFile(path).toString('utf8');
  } catch {
    return '';
  }
}

function pathsOrNone(root: string): string[] {
  try {
    return agentPaths([root]);
  } catch {
    // The last agent was taken out of it, or the folder itself is gone.
    return [];
  }
}

/** Where an edit would change an agent: its folder, its WIT, and what went into the last build. */
function foldersToWatch(path: string): Set<string> {
  const folder = resolve(path);
  if (path.endsWith('.wasm')) return foldersOf([folder]);
  try {
    const { manifest } = readFolder(path);
    const component = manifest.component === undefined ? [] : [join(folder, manifest.component)];
    const stamp = readStamp(join(folder, stampName(manifest)));
    const sources = (stamp?.sources ?? []).map((name) => join(folder, name));
    const wit = foldersIn(join(folder, manifest.wit));
    return new Set([...foldersIn(folder), ...wit, ...foldersOf([...component, ...sources])]);
  } catch {
    // A manifest that is being saved, about which the next round says more.
    return foldersIn(folder);
  }
}

function importsBetween(
  before: readonly string[] | undefined,
  after: readonly string[],
): Partial<Difference> {
  if (before === undefined) return {};
  return {
    newImports: after.filter((name) => !before.includes(name)),
    droppedImports: before.filter((name) => !after.includes(name)),
  };
}
