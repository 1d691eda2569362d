import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Built, Template } from '../../../guest-sdk/build/language.ts';
import { resolveTarget } from '../../../guest-sdk/build/target.ts';
import { rust } from '../../../guest-sdk/rust/build/rust.ts';

/** Why tests that compile Rust are skipped; false when they can run, and in CI, where they must. */
export const skip: string | false =
  process.env.CI === 'true' || ['wasm32-unknown-unknown', 'wasm32-wasip1'].every(hasLibrary)
    ? false
    : 'needs Rust: rustup target add wasm32-unknown-unknown wasm32-wasip1, or CARGO=/path/to/cargo of one that has them';

/** Worlds of the templates, as manifests name them. */
export const worlds: Readonly<Record<Template, string>> = {
  handler: 'handler',
  agent: 'agent',
  async: 'async-handler',
  http: 'wasi:http/proxy@0.2.0',
  cli: 'command',
};

const home = mkdtempSync(join(tmpdir(), 'motehost-rust-'));
process.on('exit', () => rmSync(home, { recursive: true, force: true }));
let made = 0;

/** A template's project in a new folder of a name, with some files replaced. */
export function newProject(
  template: Template,
  files: Readonly<Record<string, string>> = {},
  name = 'greeter',
): string {
  const folder = join(newFolder(), name);
  const all = { ...Object.fromEntries(rust.scaffold(name, template) ?? []), ...files };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

/** A copy of a project, without what earlier builds left there. */
export function copyProject(from: string): string {
  const folder = join(newFolder(), basename(from));
  cpSync(from, folder, {
    recursive: true,
    filter: (path) => !['build', 'target'].includes(basename(path)),
  });
  return folder;
}

export async function buildProject(
  folder: string,
  world: string,
  options: { readonly release?: boolean; readonly wit?: string } = {},
): Promise<Built> {
  const { release = true, wit } = options;
  const target = await resolveTarget(folder, world, wit);
  return rust.build({ folder, name: basename(folder), entry: rust.entry, target, release });
}

function newFolder(): string {
  made += 1;
  return join(home, String(made));
}

function hasLibrary(triple: string): boolean {
  const { CARGO: cargo = 'cargo', RUSTC: compiler } = process.env;
  const beside = join(dirname(cargo), 'rustc');
  const named = compiler ?? (cargo !== 'cargo' && existsSync(beside) ? beside : 'rustc');
  const { status, stdout } = spawnSync(named, ['--print', 'target-libdir', '--target', triple], {
    encoding: 'utf8',
  });
  const folder = (stdout ?? '').trim();
  return (
    status === 0 && existsSync(folder) && readdirSync(folder).some((name) => name.startsWith('libcore-'))
  );
}
