import type { CommonTemplate, Template } from '../../build/language.ts';
import { editorConfig } from './editor.ts';

/** A new project's files, without its manifest. */
export function scaffold(name: string, template: Template): ReadonlyMap<string, string> {
  if (template === 'async') throw new Error(`there is no template '${template}'`);
  const { source, use } = templates[template];
  return new Map([
    ['agent.ts', source],
    ['tsconfig.json', editorConfig()],
    ['.gitignore', 'build/\nnode_modules/\n'],
    ['README.md', readmeOf(name, use)],
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

const httpSource = `import { utf8 } from 'motehost:agent';
import {
  Fields,
  type IncomingRequest,
  OutgoingBody,
  OutgoingResponse,
  ResponseOutparam,
} from 'wasi:http/types';

/** Called for each request; \`out\` takes the answer. */
function handle(request: IncomingRequest, out: ResponseOutparam): void {
  const response = new OutgoingResponse(new Fields());
  const body = response.body();
  ResponseOutparam.set(out, { tag: 'ok', val: response });

  const stream = body.write();
  stream.blockingWriteAndFlush(utf8.encode(\`Hello from \${request.pathWithQuery() ?? '/'}\\n\`));
  stream[Symbol.dispose]();
  OutgoingBody.finish(body, undefined);
}

export const incomingHandler = { handle };
`;

const cliSource = `import { args, stdin, stdout } from 'motehost:command';

/** Called once; what it returns is the exit code. */
export function main(): number {
  for (const line of stdin.lines()) stdout.line(line.toUpperCase());

  return args().includes('--fail') ? 1 : 0;
}
`;

const message = 'host run . --input world   # one message with the body "world"';
const templates: Readonly<Record<CommonTemplate, { readonly source: string; readonly use: string }>> = {
  handler: { source: handlerSource, use: message },
  agent: { source: agentSource, use: message },
  http: { source: httpSource, use: 'host dev                   # serves it on 127.0.0.1' },
  cli: { source: cliSource, use: 'host run . < README.md     # with a standard input' },
};

function readmeOf(name: string, use: string): string {
  return `# ${name}

\`\`\`
host build                 # agent.ts -> build/${name}.wasm
${use}
host inspect build/${name}.wasm
\`\`\`

\`agent.ts\` is the program, \`agent.toml\` says what it is and what it may use. Packages from npm are bundled
if they do without Node.js. \`build/\` can be deleted at any time; \`build/types\` is what editors read.
`;
}

export const templateNames: readonly Template[] = Object.keys(templates) as Template[];
