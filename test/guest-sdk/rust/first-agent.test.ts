import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { type CliResult, host } from '../../support/cli.ts';
import { skip } from './rust-project.ts';

const root = resolve(import.meta.dirname, '../../..');
const page = readFileSync(join(root, 'docs/first-agent-rust.md'), 'utf8');
const home = mkdtempSync(join(tmpdir(), 'motehost-first-agent-rust-'));
after(() => rmSync(home, { recursive: true }));
// The macros of wit-bindgen take half a minute to compile, once for all tests.
const env = { CARGO_TARGET_DIR: join(root, 'examples/router/rust/target') };

/** A file to write, a line to change in one, or a command to run: the page's steps, in its order. */
const blocks = page.matchAll(/((?:[^\n]+\n)*)\n```(\w+)\n([\s\S]*?)```/g);

test('whoever follows the page gets what it says', { skip }, async () => {
  const printed: string[] = [];
  for (const [, before = '', kind, text = ''] of blocks) {
    const file = /`(greeter-rs\/[^`]+)`/.exec(before)?.[1];
    if (kind === 'sh') for (const line of text.trim().split('\n')) printed.push(await follow(line));
    else if (file !== undefined) put(file, text, kind === 'toml');
    else assert.fail(`where does this go?\n${text}`);
  }
  const [, made, greeted, asked, typed, built, inspected] = printed;
  assert.match(made ?? '', /^greeter-rs\/src\/lib\.rs is your agent/);
  assert.deepEqual([greeted, asked, typed], ['Hello, Ada!', '', 'ok("Hello, Ada, born in 1815!")\n']);
  assert.match(built ?? '', /^greeter-rs\/build\/greeter-rs\.wasm/);
  assert.match(inspected ?? '', /export greet: func\(who: person\)/);
});

/** Writes a file that the page shows, or with `isPart` the line of it that has the same key. */
function put(file: string, text: string, isPart: boolean): void {
  const path = join(home, file);
  mkdirSync(dirname(path), { recursive: true });
  if (!isPart) {
    writeFileSync(path, text);
    return;
  }
  const key = /^\w+ = /.exec(text)?.[0] ?? '';
  const before = readFileSync(path, 'utf8');
  const after = before.replace(new RegExp(`^${key}.*\n`, 'm'), () => text);
  assert.notEqual(after, before, `${file} has a line ${key}`);
  writeFileSync(path, after);
}

/** Runs a command of the page: as it says behind `#`, or well. */
async function follow(line: string): Promise<string> {
  if (line.startsWith('rustup ')) return '';
  const [, command = '', , failed] = /^npx host (.*?)( +# (.*))?$/.exec(line) ?? [];
  assert.notEqual(command, '', `the page's commands are plain: ${line}`);
  const result = await host(wordsOf(command), { cwd: home, env });
  if (failed === undefined) assert.equal(result.code, 0, said(line, result));
  else assert.ok(result.code !== 0 && result.stderr.includes(failed), said(line, result));
  return result.stdout;
}

function wordsOf(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

function said(line: string, { code, stdout, stderr }: CliResult): string {
  return `${line}: ${code}\n${stdout}${stderr}`;
}

test('the page shows the program that host new makes', () => {
  const made = readFileSync(join(root, 'guest-sdk/rust/templates/handler/src/lib.rs'), 'utf8');
  assert.equal(/```rust\n([\s\S]*?)```/.exec(page)?.[1], made);
});
