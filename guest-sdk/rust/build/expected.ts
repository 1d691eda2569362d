import type { Target } from '../../build/target.ts';

/** What a source must hold to be of its world, for people. */
export function expectedExports(target: Target, entry: string): string {
  if (target.kind === 'command') return `${entry}: a command has fn main()`;
  const wanted = target.world.exports.map(({ name }) => `'${name}'`).join(', ');
  return `${entry}: world '${target.worldName}' needs the export ${wanted}; it looks like this:\n${indent(examples[target.name.replace(/@.*/, '')] ?? ownWorld)}`;
}

const ownWorld = `# Cargo.toml
motehost = { path = "build/sdk/motehost", features = ["wit"] }

// src/lib.rs: the compiler names what Guest must have; interfaces are under exports::
motehost::world!();

struct Agent;

impl Guest for Agent { … }

export!(Agent);`;

const examples: Readonly<Record<string, string>> = {
  'motehost:agent/handler': `motehost::handler!(handle);

fn handle(message: motehost::Message) -> motehost::Reply { … }`,
  'motehost:agent/agent': `motehost::agent!(Greeter);

struct Greeter;

impl motehost::Agent for Greeter {
    fn start(config: motehost::Config) -> Result<Self, motehost::Failure> { … }
    fn handle(&mut self, message: motehost::Message) -> motehost::Reply { … }
    fn stop(self, reason: motehost::StopReason) { … }
}`,
  'wasi:http/proxy': `wasip2::http::proxy::export!(Server);

struct Server;

impl wasip2::exports::http::incoming_handler::Guest for Server {
    fn handle(request: IncomingRequest, answer: ResponseOutparam) { … }
}`,
};

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '  ');
}
