import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { noResources } from '../host/manifest/resources.ts';
import { defaultSharing } from '../host/manifest/sharing.ts';
import {
  defaultExecution,
  defaultRestart,
  defaultSupervision,
  isAgentName,
  noGrants,
  parseManifest,
} from '../host/manifest.ts';

const least = 'name = "a-1"\nworld = "handler"\n';

test('the least manifest has a name and a world', () => {
  assert.deepEqual(parseManifest(least, 'agent.toml'), {
    name: 'a-1',
    component: undefined,
    world: 'handler',
    language: 'assemblyscript',
    entry: undefined,
    wit: 'wit',
    tier: 'wasm',
    settings: [],
    limits: {},
    rates: { messagesPerSecond: 10_000, messageBurst: 2_000, messageBytesMax: 1_048_576 },
    sharing: defaultSharing,
    mailbox: { capacity: 1000, high: 800, low: 200, bytesMax: 16 * 1024 * 1024 },
    restart: defaultRestart,
    supervision: defaultSupervision,
    execution: defaultExecution,
    hooks: {},
    hibernate: { afterMs: 60_000, unsaveable: 'keep' },
    history: { record: false },
    delivery: { guarantee: 'at-least-once', attemptsMax: 5, backoffMs: 1000, backoffMsMax: 60_000 },
    messages: { seal: false, sign: 'none' },
    digest: undefined,
    errors: { state: 'clean', steps: {} },
    grants: noGrants,
    labels: { holds: [], carries: [] },
    subscriptions: [],
    route: undefined,
    triggers: [],
    audit: { level: 'security' },
    resources: noResources,
    scheduling: { priority: 'normal', class: 'interactive', weight: 1, rate: 10, deadlineMs: 30_000 },
  });
});

test('the world is one of ours, a command, or any of a WIT package', () => {
  for (const world of [
    'handler',
    'agent',
    'command',
    'router',
    'my:agents/router',
    'my:agents/router@1.0.0-rc.1',
  ])
    assert.equal(parseManifest(`name = "a"\nworld = "${world}"`, 'agent.toml').world, world);
});

test('the language is what the manifest says; else what the entry says; else what lies in the folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'motehost-manifest-'));
  const languageOf = (text: string): string =>
    parseManifest(least + text, join(folder, 'agent.toml')).language;
  assert.equal(languageOf(''), 'assemblyscript');
  assert.equal(languageOf('entry = "agent.c"'), 'c');
  assert.equal(languageOf('entry = "src/agent.js"'), 'typescript');
  assert.equal(languageOf('entry = "src/agent.ts"'), 'assemblyscript');
  assert.equal(languageOf('entry = "src/agent.ts"\nlanguage = "typescript"'), 'typescript');
  writeFileSync(join(folder, 'Cargo.toml'), '');
  assert.equal(languageOf(''), 'rust');
  assert.equal(languageOf('language = "c"'), 'c');
  rmSync(folder, { recursive: true });
});

test('the WIT folder may lie beside the agent', () => {
  assert.equal(parseManifest(`${least}wit = "../wit"`, 'agent.toml').wit, '../wit');
});

test('limits are written as flags take them, as numbers or texts', () => {
  assert.throws(() => parseManifest(`${least}[limits]\ndeadline = 5\n`, 'agent.toml'), {
    code: 'HOST_ERR_CONFIG_INVALID',
    message: /limits\.deadline must be a time with its unit, such as "5s" or "5ms"/,
  });
  const text = `${least}[limits]\nfuel = "2G"\nmemory = 65536\ndeadline = "1.5s"\ntables = 10\noutput = "1MiB"\nfiles = 3\n`;
  assert.deepEqual(parseManifest(text, 'agent.toml').limits, {
    fuelMax: 2_000_000_000n,
    memoryBytesMax: 65_536,
    deadlineMs: 1500,
    tableElementsMax: 10,
    outputBytesMax: 1_048_576,
    openFilesMax: 3,
  });
});

const mistakes: readonly (readonly [title: string, text: string, expected: RegExp])[] = [
  [
    'an unknown key lists the known ones',
    `${least}wrold = 1`,
    /^agent\.toml: unknown key 'wrold', did you mean 'world'\?; the keys are: name, component, world, language, entry, wit, tier, /,
  ],
  [
    'an unknown limit lists the known ones',
    `${least}[limits]\nfule = 1`,
    /unknown limit 'fule', did you mean 'fuel'\?; the limits of \[limits\] are: fuel, memory/,
  ],
  [
    'a limit of no sense says how to write one',
    `${least}[limits]\nmemory = "much"`,
    /agent\.toml: limits\.memory: 'much' is not a limit; write for example 65536, 64MiB/,
  ],
  ['a missing name says what one looks like', 'world = "handler"', /name must be lower-case letters/],
  [
    'a wrong name says what one looks like',
    'name = "My Agent"\nworld = "handler"',
    /name must be lower-case letters/,
  ],
  [
    'a world that is no name says what one looks like',
    'name = "a"\nworld = "no world"',
    /world must be "handler", "agent", "command" or a world of a WIT package, such as "my-world"/,
  ],
  ['a missing world says what one looks like', 'name = "a"', /world must be "handler"/],
  [
    'an unknown language lists the known ones',
    `${least}language = "rus"`,
    /language must be one of: "assemblyscript", "rust", "typescript", "c", did you mean 'rust'\?/,
  ],
  [
    'an entry of another language is refused',
    `${least}language = "rust"\nentry = "assembly/index.ts"`,
    /entry must be a \.rs file in the agent's folder \(language rust\)/,
  ],
  [
    'an absolute WIT folder is refused',
    `${least}wit = "/wit"`,
    /wit must be a folder, relative to the agent's/,
  ],
  ['a limit in the wrong place is an unknown key', `${least}fuel = "1G"`, /unknown key 'fuel'/],
  [
    'an entry outside the folder is refused',
    `${least}entry = "../x.ts"`,
    /entry must be a \.ts file in the agent's folder/,
  ],
  ['an absolute entry is refused', `${least}entry = "/x.ts"`, /entry must be a \.ts file/],
  ['broken TOML says where', 'name = ', /^agent\.toml:1:8: Invalid TOML/],
];

for (const [title, text, message] of mistakes)
  test(title, () => {
    assert.throws(() => parseManifest(text, 'agent.toml'), { name: 'HostError', message });
  });

test('names are what a subject, a file and a host name can carry', () => {
  for (const name of ['a', 'price-watch', 'a1', `a${'b'.repeat(62)}`]) assert.ok(isAgentName(name), name);
  for (const name of ['', '1a', '-a', 'A', 'a_b', 'a.b', 'a/b', '..', `a${'b'.repeat(63)}`])
    assert.ok(!isAgentName(name), name);
});
