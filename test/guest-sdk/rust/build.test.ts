import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { resolveTarget } from '../../../guest-sdk/build/target.ts';
import { rust } from '../../../guest-sdk/rust/build/rust.ts';
import { rustFolder } from '../../../guest-sdk/rust/build/sdk.ts';
import { worldOfComponentType } from '../../../host/engine/component/world.ts';
import { buildProject, newProject, skip } from './rust-project.ts';

const panicking = {
  'src/lib.rs': `mod deeper;
motehost::handler!(handle);
fn handle(message: motehost::Message) -> motehost::Reply {
    motehost::reply(vec![deeper::pick(&message.body, message.attempt as usize)])
}
`,
  'src/deeper.rs': `pub fn pick(bytes: &[u8], at: usize) -> u8 {
    bytes.iter().nth(at).copied().expect("enough bytes")
}
`,
};

test('the same source gives the same bytes, wherever it lies, and tells nobody where that was', {
  skip,
}, async () => {
  for (const release of [true, false]) {
    const folders = [newProject('handler', panicking), newProject('handler', panicking)];
    const [first, second] = [
      await buildProject(folders[0] as string, 'handler', { release }),
      await buildProject(folders[1] as string, 'handler', { release }),
    ];
    assert.ok(Buffer.from(first.bytes).equals(second.bytes), `release: ${release}`);
    const text = Buffer.from(first.bytes).toString('latin1');
    assert.match(text, /src\/deeper\.rs/);
    for (const place of [...folders, process.env.HOME ?? '/home/', '/usr/'])
      assert.ok(!text.includes(place), place);
  }
});

test('a project builds again after its build folder is gone, and elsewhere', { skip }, async () => {
  const folder = newProject('handler');
  const { bytes } = await buildProject(folder, 'handler');
  rmSync(join(folder, 'build'), { recursive: true });
  assert.ok(Buffer.from((await buildProject(folder, 'handler')).bytes).equals(bytes));
});

test('a changed source changes the bytes', { skip }, async () => {
  const folder = newProject('handler');
  const source = join(folder, 'src/lib.rs');
  const text = readFileSync(source, 'utf8');
  for (const greeting of ['Hello', 'Good day']) {
    writeFileSync(source, text.replace('Hello', greeting));
    const { bytes } = await buildProject(folder, 'handler', { release: false });
    assert.ok(Buffer.from(bytes).includes(greeting));
  }
});

test('the files that went in are named, those of the SDK are not', { skip }, async () => {
  const files = { ...panicking, 'src/unused.rs': 'pub fn unused() {}\n', 'src/a b.txt': 'text\n' };
  const source = files['src/lib.rs'].replace(
    'mod deeper;',
    'mod deeper;\npub const TEXT: &str = include_str!("a b.txt");',
  );
  const { sources } = await buildProject(
    newProject('handler', { ...files, 'src/lib.rs': source }),
    'handler',
  );
  assert.deepEqual(
    [...sources.keys()],
    ['.cargo/config.toml', 'Cargo.lock', 'Cargo.toml', 'src/a b.txt', 'src/deeper.rs', 'src/lib.rs'],
  );
  assert.equal(sources.get('src/a b.txt'), 'text\n');
});

test('warnings come with their place, also when nothing was compiled again', { skip }, async () => {
  const source = `${panicking['src/lib.rs']}fn nobody() {}\n`;
  const folder = newProject('handler', { ...panicking, 'src/lib.rs': source });
  for (let turn = 0; turn < 2; turn += 1) {
    const { warnings } = await buildProject(folder, 'handler');
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /^function `nobody` is never used\n.*--> src\/lib\.rs:6:4\n/);
  }
});

test('the SDK in a project is written once, and again where somebody changed it', async () => {
  const folder = newProject('handler');
  const target = await resolveTarget(folder, 'handler');
  const project = { folder, name: 'greeter', entry: rust.entry, target, release: false };
  const files = await rust.writeTypes(project);
  assert.ok(files.includes('build/sdk/motehost/src/lib.rs') && files.includes('build/sdk/world.wit'));
  for (const file of files) assert.ok(existsSync(join(folder, file)), file);
  const file = join(folder, 'build/sdk/motehost/src/lib.rs');
  const { mtimeNs } = statSync(file, { bigint: true });
  await rust.writeTypes(project);
  assert.equal(statSync(file, { bigint: true }).mtimeNs, mtimeNs);
  writeFileSync(file, 'broken');
  await rust.writeTypes(project);
  assert.match(readFileSync(file, 'utf8'), /pub mod bus;/);
});

test('a project that does not use the SDK gets none', async () => {
  const folder = newProject('cli');
  mkdirSync(folder, { recursive: true });
  const project = {
    folder,
    name: 'shout',
    entry: 'src/main.rs',
    target: { kind: 'command' },
    release: false,
  } as const;
  assert.deepEqual(await rust.writeTypes(project), []);
});

for (const name of ['handler', 'agent']) {
  test(`the committed bindings of ${name} are those of its world`, async () => {
    const target = await resolveTarget('.', name);
    assert.ok(target.kind === 'world');
    const source = readFileSync(join(rustFolder, `src/bindings/${name}.rs`), 'utf8');
    assert.deepEqual(worldOfComponentType(embedded(source)), target.world, 'run guest-sdk/rust/bindings.sh');
  });
}

/** The world that bindings carry for an agent, from the text of its bytes: the first one; the second has no exports. */
function embedded(source: string): Uint8Array {
  const literal =
    /static\s+__WIT_BINDGEN_COMPONENT_TYPE\s*: \[u8; \d+\] = \*\s*b"([\s\S]*?)";/.exec(source)?.[1] ?? '';
  const escaped = /\\(?:x([0-9a-f]{2})|([0nrt"'\\])|(\n))/g;
  const named: Readonly<Record<string, string>> = { '0': '\0', n: '\n', r: '\r', t: '\t' };
  const text = literal.replace(escaped, (_, hex?: string, name?: string) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    return name === undefined ? '' : (named[name] ?? name);
  });
  return Buffer.from(text, 'latin1');
}
