import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { HostError } from '../../../host/errors.ts';
import { wrapComponent } from '../../build/component.ts';
import type { Built, Project } from '../../build/language.ts';
import { sdkFolder } from '../../build/sdk-folder.ts';
import { stripCustomSections } from '../../build/strip.ts';
import { type Bindings, generateBindings } from './bindings.ts';
import { type Clang, findClang, missingPart, runClang } from './clang.ts';
import { type Explanation, explainCompiler, explainLinker, generatedFolder } from './explain.ts';
import { printingFlags, requireNoPrinting, requireNoSystem, standInFlags } from './preview1.ts';

export interface CBuildOptions extends Omit<Project, 'name'> {
  /** More for the linker, as tests need it to count blocks of memory. */
  readonly linkFlags?: readonly string[];
}

export interface CBuilt extends Built {
  /** Size of the core module, before it was wrapped. */
  readonly coreBytes: number;
}

/** What every file is compiled with; those on editors' side are the same. */
export const languageFlags: readonly string[] = ['-std=gnu11', '-Wall'];

/**
 * From C sources to a program the host runs: generate header and glue, compile the sources beside the entry,
 * link, embed the world, wrap as a component. The same sources, SDK and clang give the same bytes.
 * @throws HostError `HOST_ERR_BUILD_FAILED` whose message shows every error with its place,
 * `HOST_ERR_TOOL_MISSING`
 */
export async function buildProgram(options: CBuildOptions): Promise<CBuilt> {
  const entries = sourceFiles(options);
  const clang = await findClang();
  const workFolder = mkdtempSync(join(tmpdir(), 'motehost-c-'));
  try {
    return await new ProgramBuild(options, clang, workFolder).run(entries);
  } finally {
    rmSync(workFolder, { recursive: true, force: true });
  }
}

/** Header, glue and the helper headers of a project, by name. */
export function generatedFiles(bindings: Bindings): ReadonlyMap<string, string> {
  const helper = (name: string): [string, string] => [
    name,
    readFileSync(join(sdkFolder, 'c/include', name), 'utf8'),
  ];
  return new Map([
    [bindings.headerName, bindings.header],
    [bindings.glueName, bindings.glue],
    helper('wit.h'),
    helper('motehost.h'),
  ]);
}

class ProgramBuild {
  readonly #options: CBuildOptions;
  readonly #clang: Clang;
  readonly #workFolder: string;
  readonly #bindings: Bindings | undefined;
  readonly #about: Explanation;
  readonly #warnings: string[] = [];
  readonly #sources = new Map<string, string>();

  constructor(options: CBuildOptions, clang: Clang, workFolder: string) {
    const { target, folder, entry } = options;
    this.#options = options;
    this.#clang = clang;
    this.#workFolder = workFolder;
    this.#bindings = target.kind === 'world' ? generateBindings(target) : undefined;
    const world = target.kind === 'world' ? target.name : 'command';
    this.#about = { folder, workFolder, entry, world, bindings: this.#bindings };
  }

  async run(entries: readonly string[]): Promise<CBuilt> {
    const own = this.#bindings === undefined ? [] : await this.#compileGenerated(this.#bindings);
    const objects: string[] = [];
    const errors: string[] = [];
    for (const entry of entries) objects.push(await this.#compileOwn(entry, errors));
    if (errors.length > 0) throw new HostError('HOST_ERR_BUILD_FAILED', errors.join('\n'));
    const core = await this.#link(objects, own);
    const bytes = await this.#wrap(core);
    return {
      bytes: this.#options.release ? stripCustomSections(bytes) : bytes,
      coreBytes: core.length,
      warnings: this.#warnings,
      sources: new Map([...this.#sources].sort(([a], [b]) => (a < b ? -1 : 1))),
    };
  }

  get #compileFlags(): string[] {
    const { triple, sysroot } = this.#clang;
    return [`--target=${triple}`, `--sysroot=${sysroot}`, ...languageFlags, '-Os', `-I${this.#workFolder}`];
  }

  /** @returns object files of the glue and of the stand-ins for the system */
  async #compileGenerated(bindings: Bindings): Promise<string[]> {
    const { target } = this.#options;
    for (const [name, text] of generatedFiles(bindings)) writeFileSync(join(this.#workFolder, name), text);
    const standIns = join(this.#workFolder, 'preview1.c');
    writeFileSync(standIns, readFileSync(join(sdkFolder, 'c/runtime/preview1.c')));
    const flags = target.kind === 'world' ? standInFlags(target.world) : [];
    return [
      await this.#compileOurs(join(this.#workFolder, bindings.glueName), []),
      await this.#compileOurs(standIns, flags),
    ];
  }

  async #compileOurs(file: string, flags: readonly string[]): Promise<string> {
    const object = `${file}.o`;
    const args = [...this.#compileFlags, ...flags, '-c', file, '-o', object];
    const { code, stderr } = await runClang(this.#clang.program, args, this.#workFolder);
    if (code !== 0)
      throw missingPart(this.#clang.program, stderr) ?? new Error(`bug: clang refuses the glue: ${stderr}`);
    return object;
  }

  async #compileOwn(source: string, errors: string[]): Promise<string> {
    const object = join(this.#workFolder, `${source.replaceAll('/', '+')}.o`);
    const strict = ['-Werror=implicit-function-declaration', '-Werror=int-conversion', '-Werror=return-type'];
    const list = `${object}.d`;
    const args = [...this.#compileFlags, ...strict, '-MMD', '-MF', list, '-c', source, '-o', object];
    const { code, stderr } = await runClang(this.#clang.program, args, this.#options.folder);
    const said = explainCompiler(stderr, this.#about);
    this.#warnings.push(...said.warnings);
    if (code === 0) this.#readSources(readFileSync(list, 'utf8'));
    else errors.push(...this.#errorsOf(said.errors, stderr));
    return object;
  }

  #errorsOf(errors: readonly string[], stderr: string): readonly string[] {
    const missing = missingPart(this.#clang.program, stderr);
    if (missing !== undefined) throw missing;
    return errors.length > 0 ? errors : [stderr.trim()];
  }

  /** Takes note of the project's own files out of a list in the form of `make`. */
  #readSources(list: string): void {
    const names =
      list
        .replace(/^.*?:\s/, '')
        .replace(/\\\n/g, ' ')
        .match(/(?:\\.|\S)+/g) ?? [];
    for (const escaped of names) {
      const name = posix.normalize(escaped.replace(/\\(.)/g, '$1'));
      if (name.startsWith('/') || name.startsWith('../') || name.startsWith(`${generatedFolder}/`)) continue;
      this.#sources.set(name, readFileSync(join(this.#options.folder, name), 'utf8'));
    }
  }

  async #link(objects: readonly string[], generated: readonly string[]): Promise<Uint8Array<ArrayBuffer>> {
    const { program, triple, sysroot, builtins } = this.#clang;
    const { target, folder } = this.#options;
    const out = join(this.#workFolder, 'program.wasm');
    const model = target.kind === 'world' ? ['-mexec-model=reactor'] : [];
    const flags = [`--target=${triple}`, `--sysroot=${sysroot}`, ...model, ...this.#linkFlags];
    const libraries = ['-nodefaultlibs', '-lc', '-lm', builtins];
    const args = [...flags, ...objects, ...generated, ...libraries, '-o', out];
    const { code, stdout, stderr } = await runClang(program, args, folder);
    if (code !== 0) {
      const error = new HostError('HOST_ERR_BUILD_FAILED', explainLinker(stderr, this.#about));
      throw missingPart(program, stderr) ?? error;
    }
    if (target.kind === 'world') requireNoPrinting(stdout, objects, target);
    return new Uint8Array(readFileSync(out));
  }

  get #linkFlags(): string[] {
    const { target, release, linkFlags = [] } = this.#options;
    const traces = target.kind === 'world' ? printingFlags(target.world) : [];
    const strip = release ? '--strip-all' : '--strip-debug';
    // The stack lies first: one that is too deep traps, and does not write over data.
    const flags = ['--fatal-warnings', '--stack-first', strip, ...traces, ...linkFlags];
    return flags.map((flag) => `-Wl,${flag}`);
  }

  async #wrap(core: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
    const { target, entry } = this.#options;
    if (target.kind === 'command') return core;
    requireNoSystem(core, entry, target);
    return wrapComponent(core, target, 'utf8');
  }
}

/** The entry and every other C source beside it, relative to the project's folder. */
function sourceFiles({ folder, entry }: CBuildOptions): string[] {
  if (statSync(join(folder, entry), { throwIfNoEntry: false })?.isFile() !== true) {
    throw new HostError(
      'HOST_ERR_BUILD_FAILED',
      `there is no ${join(folder, entry)}; make it, or name another file with entry = "…" in agent.toml`,
      { folder, entry },
    );
  }
  const beside = posix.dirname(posix.normalize(entry));
  const others = readdirSync(dirname(join(folder, entry)))
    .filter((name) => name.endsWith('.c'))
    .map((name) => (beside === '.' ? name : `${beside}/${name}`))
    .filter((name) => name !== posix.normalize(entry));
  return [posix.normalize(entry), ...others.sort()];
}
