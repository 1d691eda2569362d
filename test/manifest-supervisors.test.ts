import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentsOf, parseSupervisors } from '../host/manifest.ts';

const parse = (text: string) => parseSupervisors(text, 'supervisors.toml');

test('a supervisor has a name and children, and the rest is said for it', () => {
  assert.deepEqual(parse('[[supervisors]]\nname = "shop"\nchildren = ["db", "web"]\n'), [
    {
      name: 'shop',
      strategy: 'one-for-one',
      restartsMax: 3,
      periodMs: 5_000,
      restart: { policy: 'always', backoffMs: 100, backoffMsMax: 30_000 },
      children: ['db', 'web'],
    },
  ]);
});

test('supervisors under supervisors are trees, whatever their order in the file', () => {
  const trees = parse(`
[[supervisors]]
name = "inner"
strategy = "one-for-all"
intensity = 0
period = "1m"
restart = "never"
children = ["b", "c"]
[[supervisors]]
name = "top"
strategy = "rest-for-one"
children = ["a", "supervisor:inner", "d"]
[[supervisors]]
name = "other"
children = ["e"]
`);
  assert.deepEqual(
    trees.map((tree) => [tree.name, agentsOf(tree)]),
    [
      ['top', ['a', 'b', 'c', 'd']],
      ['other', ['e']],
    ],
  );
  const inner = trees[0]?.children[1];
  assert.ok(typeof inner === 'object');
  assert.deepEqual(
    [inner.strategy, inner.restartsMax, inner.periodMs, inner.restart.policy],
    ['one-for-all', 0, 60_000, 'never'],
  );
});

test('what is no tree is refused, and the error says what is wrong', () => {
  const entry = (name: string, children: string): string =>
    `[[supervisors]]\nname = "${name}"\nchildren = ${children}\n`;
  for (const [text, message] of [
    [entry('a', '[]'), /1 to 10000 names/],
    [entry('a', '["B"]'), /'B' is none/],
    [entry('a', '["x", "y", "x"]'), /each name once; 'x' is there twice/],
    [`${entry('a', '["x"]')}period = 5\n`, /period must be .*"5s" or "5ms"; 5 has none/],
    [entry('A', '["b"]'), /supervisors\[1\]\.name/],
    [entry('a', '["x"]') + entry('a', '["y"]'), /'a' is there already/],
    [entry('a', '["x"]') + entry('b', '["x"]'), /the supervisor 'a' has it already/],
    [entry('a', '["supervisor:b"]'), /there is no 'b'/],
    [entry('a', '["supervisor:b"]') + entry('b', '["supervisor:a"]'), /without a circle/],
    [`${entry('a', '["b"]')}strategy = "all"\n`, /one-for-all/],
    [`${entry('a', '["b"]')}colour = "red"\n`, /unknown key 'colour'/],
  ] as const)
    assert.throws(() => parse(text), { code: 'HOST_ERR_CONFIG_INVALID', message }, text);
});
