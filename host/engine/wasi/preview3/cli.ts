import type { HostInterface } from '../../linker.ts';
import type { OutputSink, WasiGrants } from '../grants.ts';
import { exit, sinkTo, sourceFrom, TerminalInput, TerminalOutput } from '../preview2/cli.ts';
import type { Guest } from '../preview2/guest.ts';
import { type GuestStream, quietly, type Reading, reading, type Settled, writing } from './flow.ts';
import { offer } from './offer.ts';

/** Enum `wasi:cli/types.error-code`. */
export type StdioError = 'io' | 'illegal-byte-sequence' | 'pipe';

const broken = (): StdioError => 'io';

/** `wasi:cli` of WASI 0.3, from grants alone; `exit` ends the guest with its real code. */
export function cli(guest: Guest, grants: WasiGrants): [string, HostInterface][] {
  const write = (output: OutputSink) => ({
    writeViaStream: (data: GuestStream<number>): Promise<Settled<StdioError>> =>
      quietly(
        writing(guest, data, sinkTo(guest, output), (failure) => (failure === undefined ? 'pipe' : 'io')),
      ),
  });
  const terminal = ({ isTerminal }: OutputSink): TerminalOutput | undefined =>
    isTerminal ? new TerminalOutput(guest) : undefined;
  return [
    offer('wasi:cli/environment', {
      getEnvironment: () => grants.env.map(([name, value]) => [name, value]),
      getArguments: () => [...grants.args],
      getInitialCwd: () => undefined,
    }),
    offer('wasi:cli/exit', {
      exit: (status: { readonly tag: 'ok' | 'err' }) => exit(guest, status.tag === 'ok' ? 0 : 1),
      exitWithCode: (exitCode: number) => exit(guest, exitCode),
    }),
    offer('wasi:cli/stdin', {
      readViaStream: (): Reading<Uint8Array, StdioError> => reading(guest, sourceFrom(grants.stdin), broken),
    }),
    offer('wasi:cli/stdout', write(grants.stdout)),
    offer('wasi:cli/stderr', write(grants.stderr)),
    offer('wasi:cli/terminal-input', { TerminalInput }),
    offer('wasi:cli/terminal-output', { TerminalOutput }),
    offer('wasi:cli/terminal-stdin', {
      getTerminalStdin: () => (grants.stdin.isTerminal ? new TerminalInput(guest) : undefined),
    }),
    offer('wasi:cli/terminal-stdout', { getTerminalStdout: () => terminal(grants.stdout) }),
    offer('wasi:cli/terminal-stderr', { getTerminalStderr: () => terminal(grants.stderr) }),
  ];
}
