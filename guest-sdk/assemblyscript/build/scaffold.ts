import type { Template } from '../../build/language.ts';
import { editorConfig } from './editor.ts';

/** A new agent's folder: file names and texts, without its manifest. */
export function scaffold(name: string, template: Template): ReadonlyMap<string, string> {
  const made = templates[template];
  return new Map([
    ['assembly/index.ts', made.source],
    ['tsconfig.json', editorConfig('assembly/index.ts')],
    ['.gitignore', 'build/\n'],
    ['README.md', readmeOf(name, made.use)],
  ]);
}

function readmeOf(name: string, use: string): string {
  return `# ${name}

\`\`\`
host dev                   # build, run, and again whenever a file changes
host run . ${use}
host build --release       # build/${name}.wasm, the smallest it gets
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

const agentSource = `import {
  Config, Failure, Message, Reply, Result, StopReason, Unit, done, log, reply, utf8,
} from "motehost:agent";

let greeted: i32 = 0;

/** Called once, before any message. */
export function start(config: Config): Result<Unit, Failure> {
  log.info(config.name + " starts");
  return done<Failure>();
}

/** Called for each message; what it returns goes to whoever asked. */
export function handle(message: Message): Reply {
  greeted += 1;
  return reply(\`Hello, \${utf8.decode(message.body)}! You are number \${greeted}.\`);
}

/** Called once, before an orderly end. */
export function stop(reason: StopReason): void {
  log.info(\`stops (\${reason.toString()}) after \${greeted} greetings\`);
}
`;

const asyncSource = `import { Failure, Future, Message, Payload, Reply, Result, all, asyncBus, fail, reply, utf8 } from "motehost:agent";

type Answer = Result<Payload, asyncBus.BusError>;

/** Called for each message: asks all agents that it names at once, and answers with what they say, a line each. */
export function handle(message: Message): Future<Reply> {
  const names = utf8.decode(message.body).trim().split(" ");
  if (names[0].length == 0) return Future.of<Reply>(fail(Failure.invalid("whom shall I ask?")));

  const asked: Future<Answer>[] = [];
  for (let i = 0; i < names.length; i++) asked.push(asyncBus.request("agent." + names[i], "Ada"));
  // A callback sees nothing around it: what it needs is passed along.
  return all(asked).map<string[], Reply>(names, (answers, names) => {
    const lines: string[] = [];
    for (let i = 0; i < answers.length; i++) {
      const answer = answers[i];
      const said = answer.isOk ? utf8.decode(answer.value.body) : answer.error.toString();
      lines.push(names[i] + ": " + said);
    }
    return reply(lines.join("\\n"));
  });
}
`;

const cliSource = `import { args, stdin, stdout } from "motehost:command";

/** Called once; what it returns is the exit code. */
export function main(): i32 {
  for (let line = stdin.line(); line !== null; line = stdin.line()) {
    stdout.line(line.toUpperCase());
  }
  return args().includes("--fail") ? 1 : 0;
}
`;

const httpSource = `import {
  Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
} from "wasi:http/types@0.2.0";
import * as types from "wasi:http/types@0.2.0";
import { Result, utf8 } from "motehost:agent";

export namespace incomingHandler {
  /** Called for each request; \`out\` takes the answer. */
  export function handle(request: IncomingRequest, out: ResponseOutparam): void {
    const path = request.pathWithQuery();
    const response = new OutgoingResponse(new Fields());
    const body = response.body().value;
    ResponseOutparam.set(out, Result.ok<OutgoingResponse, types.ErrorCode>(response));

    const stream = body.write().value;
    stream.blockingWriteAndFlush(utf8.encode(\`Hello from \${path === null ? "/" : path}\\n\`));
    stream.drop();
    OutgoingBody.finish(body, null);
  }
}
`;

const templates: Readonly<Record<Template, { readonly source: string; readonly use: string }>> = {
  handler: { source: handlerSource, use: '--input world     # one message with the body "world"' },
  agent: { source: agentSource, use: '--input world     # one message with the body "world"' },
  async: { source: asyncSource, use: '--input greeter   # asks nobody: only host serve has a bus' },
  http: { source: httpSource, use: '                  # host dev serves it' },
  cli: { source: cliSource, use: '< README.md       # with a standard input' },
};

export const templateNames: readonly Template[] = Object.keys(templates) as Template[];
