import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAgentName, parseManifest } from '../host/manifest.ts';

const least = 'name = "a-1"\nworld = "handler"\n';

test('the least manifest has a name and a world', () => {
  assert.deepEqual(parseManifest(least, 'agent.toml'), {
    name: 'a-1',
    world: 'handler',
    entry: 'assembly/index.ts',
    limits: {},
  });
});

test('limits are written as flags take them, as numbers or texts', () => {
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
    /^agent\.toml: unknown key 'wrold'; the keys are: name, world, entry, limits$/,
  ],
  [
    'an unknown limit lists the known ones',
    `${least}[limits]\nfule = 1`,
    /unknown limit 'fule'; the limits are: fuel, memory/,
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
    'an unknown world lists the known ones',
    'name = "a"\nworld = "handlr"',
    /world must be one of: "handler", "command"/,
  ],
  [
    'an entry outside the folder is refused',
    `${least}entry = "../x.ts"`,
    /entry must be a \.ts file in the agent's folder/,
  ],
  ['an absolute entry is refused', `${least}entry = "/x.ts"`, /entry must be a \.ts file/],
  ['broken TOML says where', 'name = ', /^agent\.toml: Invalid TOML/],
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
