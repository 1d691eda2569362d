import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noResources } from '../host/manifest/resources.ts';
import { defaultRestart, defaultSupervision, type Manifest, parseManifest } from '../host/manifest.ts';

const least = 'name = "billing"\nworld = "handler"\n';
const read = (text: string): Manifest => parseManifest(least + text, 'agent.toml');

const plain = { misfire: 'once', jitterMs: 0 } as const;

test('everything an agent can ask for is read into plain values with their units', () => {
  const manifest = parseManifest(
    `
name = "billing"
component = "billing.wasm"
tier = "wasm"
settings = { region = "eu", "a.b" = "x" }
[limits]
memory = "64KiB"
messages-per-second = "2k"
message-burst = 10
message-bytes = "64KiB"
leases = 2
channels = 3
channel-values = "4k"
channel-bytes = "5KiB"
signals = 0
groups = 7
[mailbox]
capacity = 50
bytes = "4MiB"
[restart]
policy = "on-failure"
backoff = "50ms"
backoff-max = "1m"
[hibernate]
after = "never"
unsaveable = "restart"
[delivery]
guarantee = "exactly-once"
attempts = 3
backoff = "2s"
[capabilities]
context = true
tools = ["weather.*", "clock"]
spawn = ["worker-*"]
[capabilities.bus]
send = ["agent.audit", "prices.>"]
publish = ["orders.*.created"]
subscribe = ["orders.>", "host.agent.*"]
[[capabilities.http]]
host = "API.example.com."
methods = ["GET", "POST"]
path = "/v1"
[[capabilities.http]]
scheme = "http"
host = "*.example.org"
[[capabilities.files]]
path = "data"
mode = "read-write"
[[capabilities.net]]
host = "[0:0::1]"
port = "*"
[environment]
LOG_STYLE = "plain"
KEY = { secret = "stripe-key" }
[subscriptions]
"orders.*.created" = {}
"orders.>" = { group = "billing" }
[http]
route = "/shop"
[[triggers]]
cron = "0 8 * * *"
zone = "Europe/Berlin"
name = "daily"
body = "go"
[[triggers]]
every = "30s"
[[triggers]]
subject = "orders.>"
`,
    'agent.toml',
  );
  assert.deepEqual(manifest, {
    name: 'billing',
    component: 'billing.wasm',
    world: undefined,
    language: 'assemblyscript',
    entry: undefined,
    wit: 'wit',
    tier: 'wasm',
    settings: [
      ['region', 'eu'],
      ['a.b', 'x'],
    ],
    limits: { memoryBytesMax: 65_536 },
    rates: { messagesPerSecond: 2000, messageBurst: 10, messageBytesMax: 65_536 },
    sharing: {
      leasesMax: 2,
      channelsMax: 3,
      channelValuesMax: 4000,
      channelBytesMax: 5120,
      signalsMax: 0,
      groupsMax: 7,
    },
    mailbox: { capacity: 50, high: 40, low: 10, bytesMax: 4 * 1024 * 1024 },
    restart: { ...defaultRestart, policy: 'on-failure', backoffMs: 50, backoffMsMax: 60_000 },
    supervision: defaultSupervision,
    hibernate: { afterMs: undefined, unsaveable: 'restart' },
    history: { record: false },
    delivery: { guarantee: 'exactly-once', attemptsMax: 3, backoffMs: 2000, backoffMsMax: 60_000 },
    messages: { seal: false, sign: 'none' },
    digest: undefined,
    errors: { state: 'clean', steps: {} },
    grants: {
      bus: {
        send: ['agent.audit', 'prices.>'],
        publish: ['orders.*.created'],
        subscribe: ['orders.>', 'host.agent.*'],
      },
      http: [
        { scheme: 'https', host: 'api.example.com', port: 443, methods: ['GET', 'POST'], path: '/v1' },
        { scheme: 'http', host: '*.example.org', port: 80, methods: undefined, path: '/' },
      ],
      files: [{ path: 'data', guest: '/data', mode: 'read-write' }],
      net: [{ host: '::1', port: undefined }],
      environment: [
        { name: 'LOG_STYLE', kind: 'text', text: 'plain' },
        { name: 'KEY', kind: 'secret', secret: 'stripe-key' },
      ],
      secrets: ['stripe-key'],
      context: true,
      tools: ['weather.*', 'clock'],
      spawn: ['worker-*'],
      orchestration: {
        channels: [],
        leases: [],
        groups: [],
        spawnFrom: [],
        childrenMax: 0,
        links: [],
        monitors: [],
      },
    },
    subscriptions: [
      { pattern: 'orders.*.created', group: undefined },
      { pattern: 'orders.>', group: 'billing' },
    ],
    labels: { holds: [], carries: [] },
    audit: { level: 'security' },
    scheduling: { priority: 'normal', class: 'interactive', weight: 1, rate: 10, deadlineMs: 30_000 },
    execution: { mode: 'event-driven', isolation: 'sandbox', instances: 1 },
    resources: noResources,
    hooks: {},
    route: '/shop',
    triggers: [
      {
        name: 'daily',
        occasion: { kind: 'cron', cron: '0 8 * * *', zone: 'Europe/Berlin' },
        body: 'go',
        ...plain,
      },
      { name: 'every-2', occasion: { kind: 'every', everyMs: 30_000 }, body: undefined, ...plain },
      { name: 'subject-3', occasion: { kind: 'subject', pattern: 'orders.>' }, body: undefined, ...plain },
    ],
  });
});

test('the water marks of a mailbox follow its capacity, down to one message', () => {
  assert.deepEqual(read('[mailbox]\ncapacity = 1').mailbox, {
    capacity: 1,
    high: 1,
    low: 0,
    bytesMax: 16 * 1024 * 1024,
  });
  assert.deepEqual(read('[mailbox]\nhigh = 100').mailbox, {
    capacity: 1000,
    high: 100,
    low: 99,
    bytesMax: 16 * 1024 * 1024,
  });
});

test('a first pause longer than the usual longest one is the longest', () => {
  assert.equal(read('[restart]\nbackoff = "2m"').restart.backoffMsMax, 120_000);
});

/** An unknown key at every level names the nearest right one. */
const unknownKeys: readonly (readonly [text: string, expected: RegExp])[] = [
  ['triger = 1', /^agent\.toml: unknown key 'triger'.*the keys are: name, /],
  ['capabilites = {}', /unknown key 'capabilites', did you mean 'capabilities'\?/],
  ['[limits]\nmessage-byte = 1', /unknown limit 'message-byte', did you mean 'message-bytes'\?/],
  ['[mailbox]\nhihg = 1', /unknown key 'hihg', did you mean 'high'\?; the keys of \[mailbox\] are: /],
  ['[restart]\nbackof = 1', /unknown key 'backof', did you mean 'backoff'\?.*\[restart\]/],
  ['[hibernate]\nafer = 1', /unknown key 'afer', did you mean 'after'\?.*\[hibernate\]/],
  ['[delivery]\nattempt = 1', /unknown key 'attempt', did you mean 'attempts'\?.*\[delivery\]/],
  ['[capabilities]\ntool = []', /unknown key 'tool', did you mean 'tools'\?.*\[capabilities\]/],
  ['[capabilities.bus]\nsned = []', /unknown key 'sned', did you mean 'send'\?.*\[capabilities\.bus\]/],
  [
    '[[capabilities.http]]\nhost = "a.b"\n[[capabilities.http]]\nhots = "a"',
    /unknown key 'hots', did you mean 'host'\?.*\[capabilities\.http\[2\]\]/,
  ],
  ['[[capabilities.files]]\npaht = "a"', /unknown key 'paht', did you mean 'path'\?/],
  ['[[capabilities.net]]\nprot = 1', /unknown key 'prot', did you mean 'port'\?/],
  [
    '[environment]\nA = { secert = "x" }',
    /unknown key 'secert', did you mean 'secret'\?.*\[environment\.A\]/,
  ],
  ['[subscriptions]\n"a.b" = { gruop = "x" }', /unknown key 'gruop', did you mean 'group'\?/],
  ['[http]\nruote = "/a"', /unknown key 'ruote', did you mean 'route'\?.*\[http\]/],
  ['[[triggers]]\ncorn = "x"', /unknown key 'corn', did you mean 'cron'\?.*\[triggers\[1\]\]/],
];

for (const [text, message] of unknownKeys)
  test(`an unknown key names the nearest: ${text.split('\n').at(-1)}`, () => {
    assert.throws(() => read(text), { name: 'HostError', code: 'HOST_ERR_CONFIG_INVALID', message });
  });

const mistakes: readonly (readonly [title: string, text: string, message: RegExp])[] = [
  ['a tier that is not here yet', 'tier = "docker"', /tier 'docker' is not in this host yet/],
  ['an unknown tier', 'tier = "wsam"', /tier must be one of: "wasm", .*did you mean 'wasm'/],
  [
    'a component elsewhere',
    'component = "../x.wasm"',
    /component must be a \.wasm file in the agent's folder/,
  ],
  ['a component that is none', 'component = "x.js"', /component must be a \.wasm file/],
  ['a component beside an entry', 'component = "x.wasm"\nentry = "x.ts"', /exclude each other/],
  ['a setting that is no text', 'settings = { a = 1 }', /settings\.a must be a text in quotes/],
  ['a setting that would lose its place', 'settings = { 1 = "x" }', /'1' is no name of a setting/],
  ['a rate of nothing', '[limits]\nmessages-per-second = 0', /messages-per-second must be between 1 and/],
  ['a bound of nobody’s', '[limits]\nchannel-value = 1', /channel-value.*channel-values/],
  ['leases without end', '[limits]\nleases = "2M"', /limits\.leases must be between 0 and 1000000/],
  ['a mailbox without end', '[mailbox]\ncapacity = "10M"', /mailbox\.capacity must be between 1 and 1000000/],
  ['a low mark above the high one', '[mailbox]\nlow = 900', /mailbox\.low must be below high, which is 800/],
  ['a low mark of an empty range', '[mailbox]\nhigh = 2000', /mailbox\.high must be between 1 and 1000/],
  [
    'a duration without sense',
    '[restart]\nbackoff = "soon"',
    /restart\.backoff must be between \d+ and \d+ ms: 'soon' is not a time; write for example 100ms/,
  ],
  [
    'pauses that shrink',
    '[restart]\nbackoff-max = "1ms"',
    /backoff-max must be at least backoff, which is 100 ms/,
  ],
  [
    'a pause of a thousand years',
    '[hibernate]\nafter = "9000000h"',
    /hibernate\.after must be between 1 and/,
  ],
  ['an unknown policy', '[restart]\npolicy = "allways"', /did you mean 'always'/],
  [
    'a right that is no flag',
    '[capabilities]\ncontext = "yes"',
    /capabilities\.context must be true or false/,
  ],
  ['a list that is a text', '[capabilities.bus]\nsend = "a"', /send must be texts in brackets/],
  [
    'a wildcard within a token',
    '[capabilities.bus]\nsend = ["a*.b"]',
    /'a\*\.b': '\*' and '>' stand for whole tokens/,
  ],
  ['a > in the middle', '[capabilities.bus]\npublish = ["a.>.b"]', /'>' may only be the last token/],
  [
    'publishing to a mailbox',
    '[capabilities.bus]\npublish = ["agent.x"]',
    /nobody publishes to .*'send' is for agents/,
  ],
  [
    'publishing events of the host',
    '[capabilities.bus]\npublish = ["host.>"]',
    /nobody publishes to what begins with 'host'/,
  ],
  ['reading a mailbox', '[capabilities.bus]\nsubscribe = ["agent.>"]', /'agent' is for its owner alone/],
  ['reading replies to others', '[subscriptions]\n"_inbox.>" = {}', /'_inbox' is for its owner alone/],
  ['a subscription that is no table', '[subscriptions]\n"a" = 1', /subscriptions\.a must be a table/],
  ['a group of two tokens', '[subscriptions]\n"a" = { group = "x.y" }', /group must be a name/],
  [
    'a host with a scheme',
    '[[capabilities.http]]\nhost = "https://a.b"',
    /host must be a name or address without scheme/,
  ],
  ['no host', '[[capabilities.http]]\nport = 1', /host must be a name or address/],
  ['every host', '[[capabilities.http]]\nhost = "*"', /host must be a name or address/],
  ['a wildcard over addresses', '[[capabilities.http]]\nhost = "*.0.0.1"', /host must be a name or address/],
  [
    'a path that climbs',
    '[[capabilities.http]]\nhost = "a.b"\npath = "/a/../b"',
    /path must be a path without escapes/,
  ],
  [
    'a path with an escape',
    '[[capabilities.http]]\nhost = "a.b"\npath = "/%2e"',
    /path must be a path without escapes/,
  ],
  [
    'a port that is none',
    '[[capabilities.http]]\nhost = "a.b"\nport = 65536',
    /port must be between 1 and 65535/,
  ],
  ['a method in small letters', '[[capabilities.http]]\nhost = "a.b"\nmethods = ["get"]', /upper-case words/],
  ['a folder elsewhere', '[[capabilities.files]]\npath = "../x"', /path must be a folder within the agent's/],
  ['an absolute folder', '[[capabilities.files]]\npath = "/etc"', /path must be a folder within the agent's/],
  [
    'two folders in one place',
    '[[capabilities.files]]\npath = "a"\n[[capabilities.files]]\npath = "./a"',
    /'\/a' is granted above/,
  ],
  ['a socket to every port unsaid', '[[capabilities.net]]\nhost = "a.b"', /port must be a number, or "\*"/],
  ['a star within a name', '[capabilities]\ntools = ["a*b"]', /with \* at the end/],
  ['a variable without a name', '[environment]\n"A=B" = "x"', /no name of a variable/],
  [
    'a secret in the manifest',
    '[environment]\nA = { secret = "sk live" }',
    /environment\.A must be a text, or/,
  ],
  ['a route that climbs', '[http]\nroute = "/a/.."', /http\.route must be a path/],
  [
    'a trigger without an occasion',
    '[[triggers]]\nbody = "x"',
    /a trigger has one of: cron, every, at, subject/,
  ],
  ['a trigger with two', '[[triggers]]\ncron = "0 8 * * *"\nevery = "1s"', /a trigger has one of/],
  ['a zone of nothing', '[[triggers]]\nevery = "1s"\nzone = "UTC"', /zone belongs to cron/],
  ['a cron of three fields', '[[triggers]]\ncron = "0 8 *"', /cron must be five fields/],
  ['a minute too many', '[[triggers]]\ncron = "61 * * * *"', /'61' is no minute: 0 to 59;/],
  ['a day that no month has', '[[triggers]]\ncron = "0 8 32 * *"', /'32' is no day: 1 to 31/],
  [
    'a weekday of nowhere',
    '[[triggers]]\ncron = "0 8 * * foo"',
    /'foo' is no weekday: 0 to 7, or sun to sat/,
  ],
  ['a second too many', '[[triggers]]\ncron = "60 0 8 * * *"', /'60' is no second: 0 to 59/],
  ['seven fields', '[[triggers]]\ncron = "* * * * * * *"', /7 fields are no time; it takes minute, hour/],
  ['a nickname of nothing', '[[triggers]]\ncron = "@dayly"', /no '@dayly', did you mean '@daily'\?/],
  [
    'fewer than none at a time',
    '[execution]\nmode = "parallel"\nparallel = -4',
    /execution\.parallel must be between 2 and 256: '-4' is not a number/,
  ],
  ['a trigger that never rests', '[[triggers]]\nevery = "1ms"', /every must be between 10 and/],
  [
    'two triggers of one name',
    '[[triggers]]\nevery = "1s"\nname = "x"\n[[triggers]]\nevery = "1s"\nname = "x"',
    /'x' is the name of a trigger above/,
  ],
  ['a table that is a list', 'mailbox = []', /mailbox must be a table/],
  ['a list that is a table', '[triggers]\ncron = "0 8 * * *"', /each under its own \[\[triggers\]\]/],
];

for (const [title, text, message] of mistakes)
  test(`refused: ${title}`, () => {
    assert.throws(() => read(text), { name: 'HostError', message });
  });
