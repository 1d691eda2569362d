import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { HostError } from '../../../host/errors.ts';
import type { Project } from '../../build/language.ts';
import { expectedExports } from './expected.ts';
import type { CargoDiagnostic, CargoMessage } from './messages.ts';

/** The compiler's code for a crate that is not there: of `core` and `std`, which come with the target. */
const crateNotFound = 'E0463';

/** How a compiler for the target is installed. */
export function toolchainCure(triple: string): string {
  return `install Rust as https://rustup.rs says, then: rustup target add ${triple} (on Debian without rustup: see docs/first-agent-rust.md); CARGO=/path/to/cargo names one that is not in PATH`;
}

/** What the compiler warned of in the package's own sources, in its words. */
export function warningsOf(messages: readonly CargoMessage[], folder: string): string[] {
  const manifest = join(realpathSync(folder), 'Cargo.toml');
  return diagnosticsOf(messages, 'warning')
    .filter(({ manifest_path }) => manifest_path === manifest)
    .map((warning) => textOf(warning).replace(/^warning: /, ''));
}

/** The error for a build that failed: the compiler's errors, else what cargo itself says. */
export function explainFailure(
  messages: readonly CargoMessage[],
  stderr: string,
  triple: string,
  project: Project,
): HostError {
  const errors = diagnosticsOf(messages, 'error');
  if (errors.some(isTargetMissing)) {
    return new HostError(
      'HOST_ERR_TOOL_MISSING',
      `the Rust compiler has no standard library for ${triple}; install it: rustup target add ${triple} (on Debian without rustup: see docs/first-agent-rust.md), or name a cargo that has it: CARGO=/path/to/cargo`,
      { triple },
    );
  }
  const texts = [...new Set(errors.map(textOf))];
  const words = texts.length > 0 ? texts.join('\n\n') : stderr.trim() || 'cargo failed and did not say why';
  const hint = texts.some(isAboutExports) ? `\n\n${expectedExports(project.target, project.entry)}` : '';
  return new HostError('HOST_ERR_BUILD_FAILED', words + hint);
}

function diagnosticsOf(messages: readonly CargoMessage[], level: string): CargoDiagnostic[] {
  return messages.filter(
    (message): message is CargoDiagnostic =>
      message.reason === 'compiler-message' &&
      message.message.level.startsWith(level) &&
      (message.message.spans.length > 0 || message.message.code !== null),
  );
}

function isTargetMissing({ message }: CargoDiagnostic): boolean {
  return message.code?.code === crateNotFound && /`(?:core|std)`/.test(message.message);
}

function textOf({ message }: CargoDiagnostic): string {
  return (message.rendered ?? message.message).trimEnd();
}

/** The SDK's macros join the user's code to the world: an error at one is about what an export must be. */
function isAboutExports(text: string): boolean {
  return /motehost::(?:handler|agent)!|\bexport!\(/.test(text);
}
