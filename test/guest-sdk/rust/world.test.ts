import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { HostError } from '../../../host/errors.ts';
import { memoryHost, runBytes } from '../../support/run.ts';
import { buildProject, newProject, skip } from './rust-project.ts';

// The macros of wit-bindgen take half a minute to compile: all projects here share what was made for the example.
process.env.CARGO_TARGET_DIR = join(import.meta.dirname, '../../../examples/router/rust/target');

const wit = `package my:shapes@0.1.0;

interface shapes {
  variant shape {
    circle(f64),
    square(f64),
    none,
  }
  record named {
    name: string,
    shape: shape,
  }
  resource pile {
    constructor(named: list<named>);
    area: func() -> f64;
  }
}

world pile {
  include motehost:agent/handler@0.1.0;
  export shapes;
}
`;

const manifest = `[package]
name = "shapes"
edition = "2021"
[lib]
crate-type = ["cdylib"]
[dependencies]
motehost = { path = "build/sdk/motehost", features = ["wit"] }
[profile.release]
opt-level = "s"
lto = true
panic = "abort"
`;

const source = `use exports::my::shapes::shapes::{Guest as Shapes, GuestPile, Named, Shape};
use motehost::{log, reply, Reply};

motehost::world!();
export!(Agent);

struct Agent;
struct Pile(Vec<Named>);

impl Shapes for Agent {
    type Pile = Pile;
}

impl GuestPile for Pile {
    fn new(named: Vec<Named>) -> Self {
        Self(named)
    }

    fn area(&self) -> f64 {
        self.0.iter().map(|named| match named.shape {
            Shape::Circle(radius) => 3.0 * radius * radius,
            Shape::Square(side) => side * side,
            Shape::None => 0.0,
        }).sum()
    }
}

impl Guest for Agent {
    fn handle(message: Message) -> Reply {
        let side = message.text()?.parse::<f64>()?;
        log::info!(side = side; "measuring");
        let named = Named { name: "a".into(), shape: Shape::Square(side) };
        reply(Pile::new(vec![named]).area().to_string())
    }
}
`;

function shapes(text: string): string {
  return newProject(
    'handler',
    { 'Cargo.toml': manifest, 'src/lib.rs': text, 'wit/shapes.wit': wit },
    'shapes',
  );
}

test("a world of one's own has its types, its resources and the SDK beside them", { skip }, async () => {
  const { bytes } = await buildProject(shapes(source), 'pile');
  const host = memoryHost();
  const program = new Uint8Array(bytes);
  const { interface: text } = await host.describe(await host.prepare(program));
  assert.match(text, /export my:shapes\/shapes@0\.1\.0/);
  const message = { subject: 'test', body: new TextEncoder().encode('1.5') };
  const { result, stderr } = await runBytes(host, program, { call: { kind: 'main', message } });
  assert.deepEqual([new TextDecoder().decode(result), stderr], ['2.25', '[info] measuring side=1.5\n']);
});

test('a world that nothing is exported for is shown as it has to be', { skip }, async () => {
  await assert.rejects(buildProject(shapes('motehost::world!();\n'), 'pile'), (error) => {
    assert.ok(error instanceof HostError);
    assert.match(
      error.message,
      /^src\/lib\.rs: world 'pile' needs the export 'handle', 'my:shapes\/shapes@0\.1\.0'; it looks like this:\n {2}# Cargo\.toml\n {2}motehost = .+features = \["wit"\][\s\S]+\n {2}motehost::world!\(\);/,
    );
    return true;
  });
});
