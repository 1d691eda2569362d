import { HostError } from '../errors.ts';
import type { Command } from './command.ts';
import { commandName } from './command-name.ts';
import { exitCodeOfError, exitCodes } from './exit-code.ts';
import { command as run } from './run.ts';

const version = '0.1.0';

const commands: Readonly<Record<string, () => Promise<Command>>> = {
  new: async () => (await import('./new.ts')).command,
  build: async () => (await import('./build.ts')).command,
  types: async () => (await import('./types.ts')).command,
  inspect: async () => (await import('./inspect.ts')).command,
  // What most people call most of the time, so it is not looked for on disk a second time.
  run: async () => run,
  dev: async () => (await import('./dev.ts')).command,
  doctor: async () => (await import('./doctor.ts')).command,
  serve: async () => (await import('./serve.ts')).command,
  token: async () => (await import('./token.ts')).command,
  policy: async () => (await import('./policy.ts')).command,
  message: async () => (await import('./message.ts')).command,
  keys: async () => (await import('./keys.ts')).command,
  sign: async () => (await import('./sign.ts')).command,
  audit: async () => (await import('./audit.ts')).command,
  invoke: async () => (await import('./invoke.ts')).command,
  request: async () => (await import('./request.ts')).command,
  send: async () => (await import('./send.ts')).command,
  publish: async () => (await import('./publish.ts')).command,
  subscribe: async () => (await import('./subscribe.ts')).command,
  agents: async () => (await import('./agents.ts')).command,
  supervisors: async () => (await import('./supervisors.ts')).command,
  logs: async () => (await import('./logs.ts')).command,
  top: async () => (await import('./top.ts')).command,
  replay: async () => (await import('./replay.ts')).command,
  approvals: async () => (await import('./approvals.ts')).command,
  'dead-letters': async () => (await import('./dead-letters.ts')).command,
};

/** How `host --help` puts them: each with what one does before and after it. */
const groups: Readonly<Record<string, readonly string[]>> = {
  Build: ['new', 'build', 'types', 'inspect'],
  Run: ['run', 'dev', 'doctor'],
  'Serve many agents': ['serve', 'token', 'policy', 'audit', 'keys', 'sign', 'message'],
  'Call a host that serves': [
    'invoke',
    'request',
    'send',
    'publish',
    'subscribe',
    'agents',
    'supervisors',
    'logs',
    'top',
    'dead-letters',
    'replay',
    'approvals',
  ],
};

/** By own name only: `host constructor` is no command. */
function commandNamed(name: string): (() => Promise<Command>) | undefined {
  return Object.hasOwn(commands, name) ? commands[name] : undefined;
}

/** Runs one `host` command line and sets the process's exit code. */
export async function main(args: readonly string[]): Promise<void> {
  try {
    process.exitCode = await dispatch(args);
  } catch (error) {
    process.exitCode = report(error);
  }
}

async function dispatch(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === '--version' || name === '-V' || name === '-v')
    return print(`host ${version} (node ${process.versions.node})\n`);
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') return overview(rest[0]);
  const command = await (await loaderOf(name))();
  const ownWords = rest.includes('--') ? rest.slice(0, rest.indexOf('--')) : rest;
  if (ownWords.includes('--help') || ownWords.includes('-h')) return print(command.help);
  const code = await command.run(rest);
  if (command.endsProcess) process.exit(code);
  return code;
}

/** @throws HostError `HOST_ERR_CLI_USAGE` naming the nearest command there is */
async function loaderOf(name: string): Promise<() => Promise<Command>> {
  const load = commandNamed(name);
  if (load !== undefined) return load;
  const { nearest } = await import('../nearest.ts');
  throw new HostError(
    'HOST_ERR_CLI_USAGE',
    `no command '${name}'${nearest(name, Object.keys(commands))}; see host --help`,
  );
}

async function overview(topic: string | undefined): Promise<number> {
  if (topic !== undefined && !topic.startsWith('-')) return print((await (await loaderOf(topic))()).help);
  const blocks = await Promise.all(Object.entries(groups).map(([title, names]) => groupText(title, names)));
  const self = commandName();
  const first = starts.map(([words, what]) => `  ${self} ${words.padEnd(34)}${what}\n`).join('');
  return print(
    `host: runs WebAssembly agents, metered and limited\n\nUsage: ${self} COMMAND [OPTIONS]\n\n` +
      `Start here\n${first}\n${blocks.join('')}${self} COMMAND --help says more, with examples and exit codes.\n`,
  );
}

/** The way of somebody who has never been here. */
const starts: readonly (readonly [words: string, what: string])[] = [
  ['new my-agent', 'a folder with a small program in it'],
  ["run my-agent --input 'hello'", 'build it, hand it one message, print its answer'],
  ['serve my-agent', 'keep it alive and answer HTTP for it; and in another terminal:'],
  ["invoke my-agent --input 'hello'", 'ask the one that is served'],
];

async function groupText(title: string, names: readonly string[]): Promise<string> {
  const lines = await Promise.all(
    names.map(async (name) => `  ${name.padEnd(14)}${(await commandNamed(name)?.())?.summary}\n`),
  );
  return `${title}\n${lines.join('')}\n`;
}

function print(text: string): number {
  process.stdout.write(text);
  return exitCodes.ok;
}

function report(error: unknown): number {
  if (error instanceof HostError) {
    process.stderr.write(`host: ${error.message}\n`);
    if (process.env.HOST_DEBUG) process.stderr.write(`${error.code}\n${error.stack}\n`);
    return exitCodeOfError(error.class);
  }
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`host: this is a bug in host, please report it:\n${detail}\n`);
  return exitCodes.internal;
}
