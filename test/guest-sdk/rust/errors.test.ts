import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { HostError, type HostErrorCode } from '../../../host/errors.ts';
import { buildProject, newProject, skip, worlds } from './rust-project.ts';

/** The message of the error that a build ends with. */
async function failure(code: HostErrorCode, folder: string, world = 'handler', wit = 'wit'): Promise<string> {
  try {
    await buildProject(folder, world, { wit });
  } catch (error) {
    assert.ok(error instanceof HostError);
    assert.equal(error.code, code);
    return error.message;
  }
  return assert.fail('the build succeeded');
}

const template = `use motehost::{Message, Reply};

motehost::handler!(handle);

fn handle(message: Message) -> Reply {
    BODY
}
`;
const lib = (body: string): Record<string, string> => ({ 'src/lib.rs': template.replace('BODY', body) });

const wanted = `src/lib.rs: world 'handler' needs the export 'handle'; it looks like this:
  motehost::handler!(handle);

  fn handle(message: motehost::Message) -> motehost::Reply { … }`;

test('a syntax error is shown with its place', { skip }, async () => {
  const text = await failure('HOST_ERR_BUILD_FAILED', newProject('handler', lib('let = 5;')));
  assert.match(
    text,
    /^error: expected pattern, found `=`\n --> src\/lib\.rs:6:9\n {2}\|\n6 \| {5}let = 5;\n {2}\| {9}\^/,
  );
});

test('every error is shown, once, and the summary is not', { skip }, async () => {
  const body = 'let count: u32 = "one"; motehost::repli(message.bodi)';
  const text = await failure('HOST_ERR_BUILD_FAILED', newProject('handler', lib(body)));
  const places = [...text.matchAll(/^ *--> (\S+)/gm)].map(([, place]) => place);
  assert.deepEqual(places.sort(), ['src/lib.rs:6:22', 'src/lib.rs:6:39', 'src/lib.rs:6:53']);
  assert.doesNotMatch(text, /aborting|could not compile/);
});

test('an export of a wrong type is shown with the type it must have', { skip }, async () => {
  const source = `motehost::handler!(handle);\n\nfn handle(name: String) -> String {\n    name\n}\n`;
  const text = await failure('HOST_ERR_BUILD_FAILED', newProject('handler', { 'src/lib.rs': source }));
  assert.match(text, /^error\[E0308\]: mismatched types\n --> src\/lib\.rs:1:/);
  assert.match(text, /expected fn pointer `fn\(Message\) -> .*\n.*found fn item `fn\(String\) -> /);
  assert.ok(text.endsWith(wanted), text);
});

test('an export that is missing is shown as it has to be', { skip }, async () => {
  const misspelt = template
    .replace('fn handle', 'fn handel')
    .replace('BODY', 'motehost::reply(message.body)');
  const unknown = await failure('HOST_ERR_BUILD_FAILED', newProject('handler', { 'src/lib.rs': misspelt }));
  assert.match(unknown, /cannot find value `handle`[\s\S]*similarly named function `handel` defined here/);
  assert.ok(unknown.endsWith(wanted), unknown);
  const nothing = await failure(
    'HOST_ERR_BUILD_FAILED',
    newProject('handler', { 'src/lib.rs': 'pub use motehost::reply;\n' }),
  );
  assert.equal(nothing, wanted);
  const other = await failure('HOST_ERR_BUILD_FAILED', newProject('handler'), 'agent');
  assert.match(
    other,
    /^src\/lib\.rs: world 'agent' needs the export 'handle', 'start', 'stop'; it looks like this:\n {2}motehost::agent!\(Greeter\);/,
  );
});

test('a part of a life that is missing is named by the compiler', { skip }, async () => {
  const source = `use motehost::{Agent, Config, Failure};
motehost::agent!(Greeter);
struct Greeter;
impl Agent for Greeter {
    fn start(_: Config) -> Result<Self, Failure> {
        Ok(Self)
    }
}
`;
  const text = await failure('HOST_ERR_BUILD_FAILED', newProject('agent', { 'src/lib.rs': source }), 'agent');
  assert.match(
    text,
    /^error\[E0046\]: not all trait items implemented, missing: `handle`\n --> src\/lib\.rs:4:1/,
  );
});

test('a package without the right kind of output says what is missing', { skip }, async () => {
  const folder = newProject('handler');
  writeFileSync(
    join(folder, 'Cargo.toml'),
    '[package]\nname = "greeter"\nedition = "2021"\n[dependencies]\nmotehost = { path = "build/sdk/motehost" }\n',
  );
  assert.match(
    await failure('HOST_ERR_BUILD_FAILED', folder),
    /^Cargo\.toml: .*\n {2}\[lib\]\n {2}crate-type = \["cdylib"\]$/,
  );
  const library = newProject('handler', { 'src/lib.rs': 'pub fn nothing() {}\n' });
  assert.match(
    await failure('HOST_ERR_BUILD_FAILED', library, 'command'),
    /^Cargo\.toml: the package has no program/,
  );
});

test('several programs in a package want one to be named', { skip }, async () => {
  const folder = newProject('cli', { 'src/bin/second.rs': 'fn main() {}\n' });
  const text = await failure('HOST_ERR_BUILD_FAILED', folder, 'command');
  assert.match(text, /^Cargo\.toml: the package has several programs: .*second.*entry = /);
});

test("what is wrong with Cargo.toml is said in cargo's words", { skip }, async () => {
  const text = await failure(
    'HOST_ERR_BUILD_FAILED',
    newProject('handler', { 'Cargo.toml': '[package\nbuild/sdk/' }),
  );
  assert.match(text, /^error: .*\n --> Cargo\.toml:1:9\n/);
  const folder = newProject('handler');
  rmSync(join(folder, 'Cargo.toml'));
  assert.match(
    await failure('HOST_ERR_BUILD_FAILED', folder),
    /Cargo\.toml; an agent in Rust is a cargo package: host new/,
  );
});

test('where there is no cargo, the error says how to install it', async () => {
  const text = await withVariable('CARGO', '/nowhere/cargo', () =>
    failure('HOST_ERR_TOOL_MISSING', newProject('handler')),
  );
  assert.match(
    text,
    /^\/nowhere\/cargo is not installed; install Rust as https:\/\/rustup\.rs says, then: rustup target add wasm32-unknown-unknown \(on Debian /,
  );
});

test('where the compiler has no library for the target, the error says how to install it', {
  skip,
}, async () => {
  for (const [template, triple] of [
    ['handler', 'wasm32-unknown-unknown'],
    ['cli', 'wasm32-wasip1'],
  ] as const) {
    const folder = newProject(template);
    // Such a compiler is this one with its libraries somewhere else.
    const text = await withVariable('RUSTFLAGS', `--sysroot=${folder}`, () =>
      failure('HOST_ERR_TOOL_MISSING', folder, worlds[template]),
    );
    assert.match(
      text,
      new RegExp(`no standard library for ${triple}; install it: rustup target add ${triple} `),
    );
  }
});

/** Runs with another value of a variable of the environment. */
async function withVariable<T>(name: string, value: string, action: () => Promise<T>): Promise<T> {
  const before = process.env[name];
  process.env[name] = value;
  try {
    return await action();
  } finally {
    if (before === undefined) delete process.env[name];
    else process.env[name] = before;
  }
}
