import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareGrants } from '../../host/capability/difference.ts';
import { type Manifest, parseManifest } from '../../host/manifest.ts';

const read = (text: string): Manifest =>
  parseManifest(`name = "a"\nworld = "handler"\n${text}`, 'agent.toml');

test('an upgrade shows what it asks for beyond the present grants, and what it drops', () => {
  const present = read(`
[capabilities]
tools = ["weather.*"]
[capabilities.bus]
send = ["orders.>", "agent.old"]
subscribe = ["*.*"]
`);
  const next = read(`
[capabilities]
context = true
tools = ["weather.today", "clock"]
[capabilities.bus]
send = ["orders.eu", "agent.audit"]
subscribe = ["a.*", "host.*"]
[[capabilities.http]]
host = "a.example"
[environment]
K = { secret = "key" }
[subscriptions]
"a.b" = {}
[http]
route = "/a"
`);
  assert.deepEqual(compareGrants(present, next), {
    newGrants: [
      '[capabilities.bus] send += "agent.audit"',
      '[capabilities.bus] subscribe += "host.*"',
      '[[capabilities.http]] += {"scheme":"https","host":"a.example","port":443,"path":"/"}',
      '[environment] += {"name":"K","secret":"key"}',
      '[capabilities] context += true',
      '[capabilities] tools += "clock"',
      '[subscriptions] += {"pattern":"a.b"}',
      '[http] route += "/a"',
    ],
    droppedGrants: [
      '[capabilities.bus] send -= "orders.>"',
      '[capabilities.bus] send -= "agent.old"',
      '[capabilities.bus] subscribe -= "*.*"',
      '[capabilities] tools -= "weather.*"',
    ],
  });
});

test('a trigger on a subject hears what a subscription would, and is as new; one by the clock is not', () => {
  const [present, next] = [
    read('[[triggers]]\nsubject = "a.>"'),
    read(
      '[[triggers]]\nsubject = "b.>"\n[[triggers]]\nsubject = "a.>"\nname = "x"\n[[triggers]]\nevery = "1s"',
    ),
  ];
  assert.deepEqual(compareGrants(present, next).newGrants, ['[[triggers]] += {"subject":"b.>"}']);
  assert.deepEqual(compareGrants(next, present).droppedGrants, ['[[triggers]] -= {"subject":"b.>"}']);
});

test('a level that is asked for is new if it is before the present one', () => {
  const bus = (priority: string): Manifest => read(`[capabilities.bus]\npriority = "${priority}"`);
  assert.deepEqual(compareGrants(bus('high'), bus('critical')).newGrants, [
    '[capabilities.bus] priority += "critical"',
  ]);
  assert.deepEqual(compareGrants(read(''), bus('low')).newGrants, ['[capabilities.bus] priority += "low"']);
  assert.deepEqual(compareGrants(bus('critical'), bus('high')).newGrants, []);
  assert.throws(() => bus('urgent'), /capabilities\.bus\.priority.*"critical"/);
});

test('the same manifest asks for nothing new', () => {
  const manifest = read('[capabilities.bus]\nsend = ["a.>"]\n[[capabilities.http]]\nhost = "a.example"');
  assert.deepEqual(compareGrants(manifest, manifest), { newGrants: [], droppedGrants: [] });
});

test('a text of the environment that changed is no new right; a secret under an old name is', () => {
  const [present, next] = [
    read('[environment]\nA = "x"\nB = "x"'),
    read('[environment]\nA = "y"\nB = { secret = "k" }'),
  ];
  assert.deepEqual(compareGrants(present, next).newGrants, ['[environment] += {"name":"B","secret":"k"}']);
});
