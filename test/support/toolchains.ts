import { spawnSync } from 'node:child_process';

/** What each language needs on the machine besides npm packages: a command that succeeds where it is there. */
const probes: Readonly<Record<string, { readonly command: readonly string[]; readonly needs: string }>> = {
  c: { command: ['clang', '--version'], needs: 'clang, lld, wasi-libc and libclang-rt-14-dev-wasm32' },
  rust: { command: ['cargo', '--version'], needs: 'Rust with the target wasm32-unknown-unknown' },
};

/** False where a language can be built, or must be: in CI nothing is skipped. Otherwise what is missing. */
export function missingTools(language: string): string | false {
  const probe = probes[language];
  if (probe === undefined || process.env.CI !== undefined) return false;
  const [program = '', ...args] = probe.command;
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0 ? false : `needs ${probe.needs}`;
}
