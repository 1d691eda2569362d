import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hosted, localAgent, temporaryState } from '../support/hosted.ts';
import { player } from '../support/player.ts';

const shared = `
[capabilities.orchestration]
channels = ["work"]
leases = ["leader"]
groups = ["swarm"]
`;
const sends = `
[capabilities.bus]
send = ["agent.ada", "agent.bob", "agent.cyd"]
`;

async function three(): Promise<Parameters<typeof Hosted.start>[2]> {
  const component = await player();
  const limits = '[limits]\ndeadline = "20s"\n';
  return ['ada', 'bob', 'cyd'].map((name) => localAgent(name, component, limits + shared + sends));
}

test('a channel carries values between agents of several threads, each to one of them, and survives their threads', async (t) => {
  const host = await Hosted.start(t, temporaryState(t), await three(), { threads: 2 });
  assert.equal(await host.ask('ada', 'open work 2'), 'ok');
  assert.equal(await host.ask('ada', 'put work one 0'), 'ok');
  assert.equal(await host.ask('bob', 'put work two 0'), 'ok');
  assert.equal(await host.ask('cyd', 'put work three 0'), 'full');
  assert.equal(await host.ask('cyd', 'put work three 20'), 'timed-out');
  const waiting = host.ask('cyd', 'put work three 10000');
  assert.equal(await host.ask('bob', 'take work 0'), 'one');
  assert.equal(await waiting, 'ok');
  await host.serving.endThread(1);
  await host.lines.until(/are there again/);
  assert.equal(await host.ask('ada', 'take work 0'), 'two');
  assert.equal(await host.ask('bob', 'take work 0'), 'three');
  assert.equal(await host.ask('bob', 'take work 0'), 'timed-out');
  const taking = [host.ask('bob', 'take work 10000'), host.ask('cyd', 'take work 10000')];
  assert.equal(await host.ask('ada', 'put work four 0'), 'ok');
  assert.equal(await Promise.race(taking), 'four');
  assert.equal(await host.ask('ada', 'close work'), 'ok');
  assert.deepEqual((await Promise.all(taking)).sort(), ['closed', 'four']);
});

test('one holder at a time; a lease survives a restart of the host, and the next token is greater', async (t) => {
  const state = temporaryState(t);
  const before = await Hosted.start(t, state, await three(), { threads: 2 });
  const events: string[] = [];
  before.serving.subscribe('host.lease.>', undefined, ({ subject }) => events.push(subject));
  const token = Number(await before.ask('ada', 'acquire leader 60000 0'));
  assert.ok(token > 0);
  assert.equal(await before.ask('bob', 'acquire leader 60000 0'), 'held');
  assert.equal(await before.ask('bob', `renew leader ${token + 1} 60000`), 'lost');
  assert.equal(await before.ask('ada', `renew leader ${token} 60000`), String(token));
  await before.close(1000);
  const after = await Hosted.start(t, state, await three(), { threads: 1 });
  assert.equal(await after.ask('bob', 'acquire leader 60000 0'), 'held');
  const waiting = after.ask('bob', 'acquire leader 60000 10000');
  assert.equal(await after.ask('ada', `release leader ${token}`), 'ok');
  assert.ok(Number(await waiting) > token);
  assert.equal(await after.ask('ada', `renew leader ${token} 60000`), 'lost');
  assert.deepEqual(events, []);
});

test('a lease whose time is over is told to whoever listens', async (t) => {
  const host = await Hosted.start(t, temporaryState(t), await three());
  const told = new Promise((resolve) => {
    host.serving.subscribe('host.lease.>', undefined, ({ subject, body }) =>
      resolve([subject, JSON.parse(Buffer.from(body).toString())]),
    );
  });
  const token = Number(await host.ask('ada', 'acquire leader 20 0'));
  assert.deepEqual(await told, [
    'host.lease.leader.expired',
    { lease: 'leader', holder: 'ada', token, end: 'expired' },
  ]);
});

test('words are told across threads, also to one that waits', async (t) => {
  const host = await Hosted.start(t, temporaryState(t), await three(), { threads: 2 });
  assert.equal(await host.ask('ada', 'signal bob go'), 'ok');
  assert.equal(await host.ask('bob', 'await go 0'), 'ada');
  const waiting = host.ask('bob', 'await go 10000');
  assert.equal(await host.ask('cyd', 'signal bob go'), 'ok');
  assert.equal(await waiting, 'cyd');
  assert.equal(await host.ask('bob', 'await go 10'), 'timed-out');
});

test('a quorum hears real agents, within its time; a group is asked and told without a grant for each', async (t) => {
  const component = await player();
  const agents = [
    ...(await three()),
    localAgent('dan', component, shared),
    localAgent('eve', component, shared),
  ];
  const host = await Hosted.start(t, temporaryState(t), agents, { threads: 2 });
  assert.equal(
    await host.ask('ada', 'quorum bob,cyd yes? 5000 all'),
    'decided played yes? 2/2 bob=played yes? cyd=played yes?',
  );
  assert.equal(await host.ask('ada', 'quorum bob,cyd mute 50'), 'undecided 0/2 bob=silent cyd=silent');
  assert.equal(await host.ask('dan', 'quorum bob hello 5000'), 'denied');
  for (const name of ['bob', 'dan', 'eve']) assert.equal(await host.ask(name, 'join swarm'), 'ok');
  assert.equal(await host.ask('dan', 'members swarm'), 'bob,dan,eve');
  assert.equal(await host.ask('dan', 'group swarm x 2'), 'decided played x 2/2 bob=played x eve=played x');
  assert.equal(await host.ask('ada', 'broadcast swarm news'), '3 missed ');
  assert.match(await host.ask('eve', 'heard'), /^(heard;)?x;news$|^x;news$/);
  assert.equal(await host.ask('bob', 'leave swarm'), 'ok');
  assert.equal(await host.ask('dan', 'neighbours swarm'), 'eve');
});

/** Who is next to whom among those who are there, before and after the third of five has ended. */
const shapes = {
  mesh: [
    { ada: 'bob,cyd,dan,eve', bob: 'ada,cyd,dan,eve', dan: 'ada,bob,cyd,eve', eve: 'ada,bob,cyd,dan' },
    { ada: 'bob,dan,eve', bob: 'ada,dan,eve', dan: 'ada,bob,eve', eve: 'ada,bob,dan' },
  ],
  ring: [
    { ada: 'eve,bob', bob: 'ada,cyd', dan: 'cyd,eve', eve: 'dan,ada' },
    { ada: 'eve,bob', bob: 'ada,dan', dan: 'bob,eve', eve: 'dan,ada' },
  ],
  star: [
    { ada: 'cyd', bob: 'cyd', dan: 'cyd', eve: 'cyd' },
    { ada: 'bob,dan,eve', bob: 'ada', dan: 'ada', eve: 'ada' },
  ],
  hierarchical: [
    { ada: 'cyd,dan,eve', bob: 'cyd', dan: 'ada', eve: 'ada' },
    { ada: 'eve,dan', bob: 'eve', dan: 'ada', eve: 'ada,bob' },
  ],
} as const;

test('every topology closes behind an agent that ends, and the others ask and tell each other as before', async (t) => {
  const component = await player();
  const names = ['ada', 'bob', 'cyd', 'dan', 'eve'];
  const agents = names.map((name) => localAgent(name, component, shared.replace('swarm', '*')));
  const host = await Hosted.start(t, temporaryState(t), agents, { threads: 2 });
  const isCydMiddle = (kind: string): boolean => kind === 'star' || kind === 'hierarchical';
  const shown = async (kind: string, of: Readonly<Record<string, string>>): Promise<unknown> =>
    Object.fromEntries(
      await Promise.all(
        Object.keys(of).map(async (name) => [name, await host.ask(name, `neighbours ${kind}`)] as const),
      ),
    );
  for (const [kind, [before]] of Object.entries(shapes)) {
    const order = isCydMiddle(kind) ? ['cyd', 'ada', 'bob', 'dan', 'eve'] : names;
    for (const name of order) assert.equal(await host.ask(name, `join ${kind} ${kind}`), 'ok');
    assert.deepEqual(await shown(kind, before), before, kind);
    assert.equal(await host.ask('bob', `broadcast ${kind} first`), '4 missed ', kind);
  }
  await host.serving.handle('cyd').kill();
  for (const [kind, [, after]] of Object.entries(shapes)) {
    assert.equal(await host.ask('bob', `members ${kind}`), 'ada,bob,dan,eve', kind);
    assert.deepEqual(await shown(kind, after), after, kind);
    assert.equal(await host.ask('bob', `broadcast ${kind} ${kind}-again`), '3 missed ', kind);
    assert.match(await host.ask('eve', `group ${kind} yes 3`), /^decided played yes 3\/3 /, kind);
  }
  const heard = (await host.ask('dan', 'heard')).split(';').filter((words) => words.endsWith('-again'));
  assert.deepEqual(
    heard,
    Object.keys(shapes).map((kind) => `${kind}-again`),
  );
});

test('every call counts towards the rate of messages, but for those that give something back', async (t) => {
  const component = await player();
  const agents = [
    localAgent('ada', component, `[limits]\nmessages-per-second = 1\nmessage-burst = 3\n${shared}${sends}`),
    localAgent('bob', component, shared),
  ];
  const host = await Hosted.start(t, temporaryState(t), agents);
  assert.equal(await host.ask('bob', 'again 100 put work x 0'), Array(100).fill('ok').join(','));
  assert.equal(await host.ask('ada', 'join swarm'), 'ok');
  const ends = (await host.ask('ada', 'again 90 take work 0')).split(',');
  assert.equal(ends[0], 'x');
  const refused =
    /^other: rate-limited: again in [1-9][0-9]* ms; \[limits\] messages-per-second says how often$/;
  const last = ends.at(-1) ?? '';
  assert.match(last, refused);
  // What was refused was not done.
  const taken = ends.filter((end) => end === 'x').length;
  assert.equal(ends.filter((end) => refused.test(end)).length, 90 - taken);
  const left = (await host.ask('bob', 'again 100 take work 0')).split(',');
  assert.equal(left.filter((end) => end === 'x').length, 100 - taken);
  for (const words of [
    'put work x 0',
    'signal bob go',
    'acquire leader 1000 0',
    'members swarm',
    'await go 0',
  ])
    assert.match((await host.ask('ada', `again 30 ${words}`)).split(',').at(-1) ?? '', refused, words);
  assert.equal(await host.ask('ada', 'leave swarm'), 'ok');
  assert.match(await host.ask('bob', 'again 30 members swarm'), /^,*$/);
});

const few = `
[limits]
leases = 1
channels = 2
channel-values = 2
signals = 1
groups = 1
`;

test('an agent has no more of what is shared than its limits say; the operator learns which and how to raise it', async (t) => {
  const component = await player();
  const all = shared.replace('leases = ["leader"]', 'leases = ["*"]').replace('["swarm"]', '["*"]');
  const rights = all.replace('channels = ["work"]', 'channels = ["*"]') + sends;
  const agents = [
    localAgent('ada', component, few + rights),
    localAgent('bob', component, rights),
    localAgent('cyd', component, `[limits]\nleases = 0\n${rights}`),
  ];
  const host = await Hosted.start(t, temporaryState(t), agents);
  const says = async (name: string, words: string, end: string): Promise<void> =>
    assert.equal(await host.ask(name, words), end, words);
  assert.match(await host.ask('ada', 'acquire one 60000 0'), /^\d+$/);
  await says('ada', 'acquire two 60000 0', 'full');
  await says('cyd', 'acquire two 60000 0', 'full');
  assert.match(await host.ask('bob', 'acquire two 60000 0'), /^\d+$/);
  await says('ada', 'put a x 0', 'ok');
  await says('ada', 'put b x 0', 'ok');
  await says('ada', 'put b x 0', 'full');
  await says('ada', 'open c 1', 'full');
  await says('bob', 'open c 1', 'ok');
  await says('bob', 'put b y 0', 'ok');
  await says('bob', 'take a 0', 'x');
  // Its empty channel makes way, and there is room for a value again.
  await says('ada', 'put d x 0', 'ok');
  await says('bob', 'signal ada one', 'ok');
  await says('bob', 'signal ada two', 'full');
  await says('bob', 'signal cyd two', 'ok');
  await says('ada', 'join g', 'ok');
  await says('ada', 'join h', 'full');
  await says('bob', 'join h', 'ok');
  const told = host.lines.all.filter((line) => line.includes(' is the most it may have'));
  assert.deepEqual(
    told.map((line) => line.replace(/: (\d+) is the most it may have; raise it with/, ' $1')),
    [
      'ada: full: leases held at once 1 [limits] leases',
      'cyd: full: leases held at once 0 [limits] leases',
      'ada: full: values waiting in channels 2 [limits] channel-values',
      'ada: full: channels made 2 [limits] channels',
      'ada: full: signals waiting 1 [limits] signals',
      'ada: full: groups joined 1 [limits] groups',
    ],
  );
});

test('shards are the same for everybody', async (t) => {
  const host = await Hosted.start(t, temporaryState(t), await three());
  const one = await host.ask('ada', 'shard ACME a,b,c');
  assert.match(one, /^[abc]$/);
  assert.equal(await host.ask('bob', 'shard ACME c,a,b'), one);
});

test('what was not granted is denied, as is what is not there; the operator learns the cure', async (t) => {
  const host = await Hosted.start(t, temporaryState(t), [localAgent('ada', await player(), shared)]);
  const asked = [
    'put other x 0',
    'acquire other 100 0',
    'members other',
    'signal bob go',
    'spawn bob kid',
    'end kid',
  ];
  for (const words of asked) assert.equal(await host.ask('ada', words), 'denied', words);
  assert.equal(await host.ask('ada', 'put NO x 0'), "invalid: 'NO': lower-case letters, digits, . _ and -");
  await host.lines.until(/ada: denied: spawn like bob/);
  const denied = host.lines.all.filter((line) => line.startsWith('ada: denied'));
  assert.deepEqual(
    denied,
    ['channel other', 'lease other', 'group other', 'signal bob', 'spawn like bob'].map(
      (what) => `ada: denied: ${what}`,
    ),
  );
});

const maker = `
[capabilities]
spawn = ["kid-*"]

[capabilities.bus]
send = ["agent.bob"]

[capabilities.orchestration]
channels = ["work"]
spawn-from = ["model"]
children-max = 3
`;
const model = `
[capabilities]
spawn = ["kid-*"]

[capabilities.bus]
send = ["agent.bob", "agent.cyd"]

[capabilities.orchestration]
channels = ["*"]
leases = ["leader"]
spawn-from = ["model"]
`;

test('an agent makes others with no more rights than it has; they end with it, unless they are let go', async (t) => {
  const component = await player();
  const agents = [
    localAgent('bob', component),
    localAgent('cyd', component),
    localAgent('model', component, model),
  ];
  const host = await Hosted.start(t, temporaryState(t), agents, { threads: 2 });
  const installed = await host.serving.install({
    manifest: `name = "maker"\nworld = "handler"\n${maker}`,
    component,
  });
  assert.equal(installed.kind, 'installed');
  assert.equal(await host.ask('maker', 'spawn model kid-a'), 'ok');
  assert.equal(await host.ask('maker', 'spawn model kid-b detached'), 'ok');
  assert.equal(await host.ask('maker', 'spawn model other'), 'denied');
  assert.equal(await host.ask('maker', 'spawn bob kid-d'), 'denied');
  assert.equal(await host.ask('maker', 'children'), 'kid-a,kid-b');
  const shown = await host.serving.agent('maker');
  assert.deepEqual([shown.parent, shown.children], [undefined, ['kid-a', 'kid-b']]);
  const [kid] = await host.serving.agents(undefined, 1, 'kid-b');
  assert.equal(kid?.parent, 'maker');
  // What both may, what only the model may, and what only the maker could give.
  assert.equal(await host.ask('kid-a', 'put work x 0'), 'ok');
  assert.equal(await host.ask('kid-a', 'put secret x 0'), 'denied');
  assert.equal(await host.ask('kid-a', 'acquire leader 1000 0'), 'denied');
  assert.equal(await host.ask('kid-a', 'signal bob go'), 'ok');
  assert.equal(await host.ask('kid-a', 'signal cyd go'), 'denied');
  assert.equal(await host.ask('model', 'signal cyd go'), 'ok');
  // A child's children are its maker's business too.
  assert.equal(await host.ask('kid-a', 'spawn model kid-x'), 'ok');
  assert.equal(await host.ask('kid-x', 'put secret x 0'), 'denied');
  for (const name of ['maker', 'kid-a', 'kid-x'])
    assert.equal(await host.ask(name, 'spawn model kid-c'), 'full');
  assert.equal(await host.ask('kid-a', 'end kid-b'), 'denied');
  await host.serving.remove('maker');
  assert.deepEqual((await host.serving.agents(undefined, 100)).map(({ name }) => name).sort(), [
    'bob',
    'cyd',
    'kid-b',
    'model',
  ]);
});

test('what a stopped agent held is free, and its children have ended', async (t) => {
  const component = await player();
  const agents = [
    localAgent('bob', component, shared),
    localAgent('model', component),
    localAgent('maker', component, `${maker}leases = ["leader"]\n`),
  ];
  const host = await Hosted.start(t, temporaryState(t), agents);
  assert.equal(await host.ask('maker', 'spawn model kid-a'), 'ok');
  assert.equal(await host.ask('maker', 'acquire leader 60000 0'), '1');
  const waiting = host.ask('bob', 'acquire leader 60000 10000');
  await host.serving.handle('maker').stop();
  assert.equal(await waiting, '2');
  while ((await host.serving.agents(undefined, 10)).some(({ name }) => name === 'kid-a'));
});
