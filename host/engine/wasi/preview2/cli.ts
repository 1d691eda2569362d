import { Stopped } from '../../budget.ts';
import type { HostInterface } from '../../linker.ts';
import type { InputSource, OutputSink, WasiGrants } from '../grants.ts';
import { type Guest, Resource } from './guest.ts';
import { offer } from './offer.ts';
import { BufferedSink } from './sink.ts';
import { PullSource } from './source.ts';
import { InputStream, OutputStream } from './streams.ts';

/** Resource `terminal-input.terminal-input`: it has no operations yet. */
export class TerminalInput extends Resource {}

/** Resource `terminal-output.terminal-output`: it has no operations yet. */
export class TerminalOutput extends Resource {}

/** The standard streams of one guest: every handle to one of them shares its queue, and dropping a handle leaves it open. */
interface Stdio {
  readonly stdin: () => InputStream;
  readonly stdout: () => OutputStream;
  readonly stderr: () => OutputStream;
}

/** `wasi:cli`, from grants alone; `exit` ends the guest with its real code. */
export function cli(guest: Guest, grants: WasiGrants): [string, HostInterface][] {
  const io = stdio(guest, grants);
  return [
    environment(grants),
    offer('wasi:cli/exit', {
      exit: (status: { readonly tag: 'ok' | 'err' }) => exit(guest, status.tag === 'ok' ? 0 : 1),
      exitWithCode: (exitCode: number) => exit(guest, exitCode),
    }),
    offer('wasi:cli/stdin', { getStdin: io.stdin }),
    offer('wasi:cli/stdout', { getStdout: io.stdout }),
    offer('wasi:cli/stderr', { getStderr: io.stderr }),
    ...terminals(guest, grants),
  ];
}

function environment(grants: WasiGrants): [string, HostInterface] {
  return offer('wasi:cli/environment', {
    getEnvironment: () => grants.env.map(([name, value]) => [name, value]),
    getArguments: () => [...grants.args],
    initialCwd: () => undefined,
  });
}

/** Ends the guest with a code of its own. */
export function exit(guest: Guest, exitCode: number): never {
  guest.budget.stop({ kind: 'exit', exitCode });
  throw new Stopped('exit');
}

function stdio(guest: Guest, grants: WasiGrants): Stdio {
  const source = sourceFrom(grants.stdin);
  const out = sinkTo(guest, grants.stdout);
  const err = sinkTo(guest, grants.stderr);
  const stay = (): void => {};
  return {
    stdin: () => new InputStream(guest, source, stay),
    stdout: () => new OutputStream(guest, out, stay),
    stderr: () => new OutputStream(guest, err, stay),
  };
}

/** Standard input, read ahead by one chunk. */
export function sourceFrom(input: InputSource): PullSource {
  return new PullSource((bytesMax) => input.read(bytesMax));
}

/** One output of the guest, charged to it and taken to the end even if nobody waits. */
export function sinkTo(guest: Guest, output: OutputSink): BufferedSink {
  return new BufferedSink({
    charge: (bytes) => guest.budget.chargeOutput(bytes),
    write: (bytes) => {
      const written = output.write(bytes);
      // A guest may end without flushing; what it wrote still arrives before `dispose` resolves.
      guest.keep(written);
      return written;
    },
  });
}

function terminals(guest: Guest, grants: WasiGrants): [string, HostInterface][] {
  const output = ({ isTerminal }: OutputSink): TerminalOutput | undefined =>
    isTerminal ? new TerminalOutput(guest) : undefined;
  return [
    offer('wasi:cli/terminal-input', { TerminalInput }),
    offer('wasi:cli/terminal-output', { TerminalOutput }),
    offer('wasi:cli/terminal-stdin', {
      getTerminalStdin: () => (grants.stdin.isTerminal ? new TerminalInput(guest) : undefined),
    }),
    offer('wasi:cli/terminal-stdout', { getTerminalStdout: () => output(grants.stdout) }),
    offer('wasi:cli/terminal-stderr', { getTerminalStderr: () => output(grants.stderr) }),
  ];
}
