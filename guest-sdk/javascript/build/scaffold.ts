import type { Template } from '../../build/language.ts';
import { editorConfig } from './editor.ts';

/** A new project's files, without its manifest; undefined for a template there is none of. */
export function scaffold(name: string, template: Template): ReadonlyMap<string, string> | undefined {
  const source = sources[template];
  if (source === undefined) return undefined;
  return new Map([
    ['agent.ts', source],
    ['tsconfig.json', editorConfig()],
    ['.gitignore', 'build/\nnode_modules/\n'],
    ['README.md', readmeOf(name)],
  ]);
}

const handlerSource = `import { Failure, log, type Message, reply, utf8 } from 'motehost:agent';

/** Called for each message; what it returns goes to whoever asked. */
export function handle(message: Message): Uint8Array | undefined {
  const name = utf8.decode(message.body).trim();
  if (name === '') throw Failure.invalid('whom shall I greet?');

  log.info(\`greeting \${name}\`);
  return reply(\`Hello, \${name}!\`);
}
`;

const agentSource = `import { type Config, Failure, log, type Message, reply, type StopReason, utf8 } from 'motehost:agent';

let greeting = 'Hello';

/** Called once per instance, before any message. */
export function start(config: Config): void {
  const setting = config.settings.find(({ name }) => name === 'greeting');
  if (setting !== undefined) greeting = setting.value;
  log.info(\`\${config.name} started\`, { resumed: config.resumed });
}

/** Called for each message; what it returns goes to whoever asked. */
export function handle(message: Message): Uint8Array | undefined {
  const name = utf8.decode(message.body).trim();
  if (name === '') throw Failure.invalid('whom shall I greet?');

  return reply(\`\${greeting}, \${name}!\`);
}

/** Called once before an orderly end. */
export function stop(reason: StopReason): void {
  log.info(\`stopping: \${reason.tag}\`);
}
`;

const sources: Readonly<Partial<Record<Template, string>>> = { handler: handlerSource, agent: agentSource };

function readmeOf(name: string): string {
  return `# ${name}

\`\`\`
host build                 # agent.ts -> build/${name}.wasm
host run . --input world   # one message with the body "world"
host inspect build/${name}.wasm
\`\`\`

\`agent.ts\` is the program, \`agent.toml\` says what it is and what it may use. Packages from npm are bundled
if they do without Node.js. \`build/\` can be deleted at any time; \`build/types\` is what editors read.
`;
}
