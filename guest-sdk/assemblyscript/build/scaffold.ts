import { editorConfig } from './editor.ts';
import type { World } from './world.ts';

/** A new agent's folder: file names and texts. */
export function scaffold(name: string, world: World['name']): ReadonlyMap<string, string> {
  const { source, use } = templates[world];
  return new Map([
    ['agent.toml', manifestOf(name, world)],
    ['assembly/index.ts', source],
    ['tsconfig.json', editorConfig()],
    ['.gitignore', 'build/\n'],
    ['README.md', readmeOf(name, use)],
  ]);
}

function manifestOf(name: string, world: World['name']): string {
  return `name = "${name}"
world = "${world}"

# Limits narrow what the host allows anyway. Take away the # to set one.
[limits]
# fuel = "1G"
# memory = "64MiB"
# deadline = "5s"
`;
}

function readmeOf(name: string, use: string): string {
  return `# ${name}

\`\`\`
host build                 # assembly/index.ts -> build/${name}.wasm
host run . ${use}
host build --release       # the smallest it gets
host inspect build/${name}.wasm
\`\`\`

\`assembly/index.ts\` is the program, \`agent.toml\` says what it is and what it may use.
\`build/\` can be deleted at any time.
`;
}

const handlerSource = `import { Failure, Message, Reply, fail, log, reply, utf8 } from "motehost:agent";

/** Called for each message; what it returns goes to whoever asked. */
export function handle(message: Message): Reply {
  const name = utf8.decode(message.body).trim();
  if (name.length == 0) return fail(Failure.invalid("whom shall I greet?"));

  log.info("greeting " + name);
  return reply(\`Hello, \${name}!\`);
}
`;

const commandSource = `import { args, stdin, stdout } from "motehost:command";

/** Called once; what it returns is the exit code. */
export function main(): i32 {
  for (let line = stdin.line(); line !== null; line = stdin.line()) {
    stdout.line(line.toUpperCase());
  }
  return args().includes("--fail") ? 1 : 0;
}
`;

const templates: Readonly<Record<World['name'], { readonly source: string; readonly use: string }>> = {
  handler: { source: handlerSource, use: '--input world     # one message with the body "world"' },
  command: { source: commandSource, use: '< README.md       # with a standard input' },
};
