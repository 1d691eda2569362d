import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type CliOptions, type CliResult, host } from '../support/cli.ts';
import { HostProcess } from '../support/process.ts';
import { eventStream, json, problem, type Route, RoutesServer } from '../support/routes-server.ts';

const home = mkdtempSync(join(tmpdir(), 'motehost-cli-client-'));
after(() => rmSync(home, { recursive: true }));

const invokePath = 'POST /v1/agents/greeter/invoke';
const outcome = (kind: string): Record<string, string> => ({
  'x-mote-outcome': kind,
  'x-mote-fuel': '5212',
  'x-mote-wall-ms': '1.9',
  'x-mote-message-id': 'm-1',
});
const greet: Route = ({ body, headers }, response) => {
  response.writeHead(200, { 'content-type': headers['content-type'], ...outcome('ok') });
  response.end(`Hello, ${body}!`);
};

interface Call extends CliOptions {
  readonly routes?: Readonly<Record<string, Route>>;
}

/** One command against a server with these routes. */
async function call(
  args: readonly string[],
  { routes = {}, ...options }: Call = {},
): Promise<CliResult & { server: RoutesServer }> {
  await using server = await RoutesServer.listen(routes);
  const result = await host(args, { cwd: home, ...options, env: { HOST_URL: server.url, ...options.env } });
  return { ...result, server };
}

test('invoke prints the answer as it is, and says on stderr how it ended', async () => {
  const { code, stdout, stderr, server } = await call(
    ['invoke', 'greeter', '--input', 'Ada', '--type', 'text/plain'],
    {
      routes: { [invokePath]: greet },
    },
  );
  assert.deepEqual(
    { code, stdout, stderr },
    { code: 0, stdout: 'Hello, Ada!', stderr: 'host: ok · fuel 5,212 · 1.9 ms\n' },
  );
  assert.equal(server.seen[0]?.headers['content-type'], 'text/plain');
});

test('invoke takes a body from stdin or a file, and hands on subject and deadline', async () => {
  writeFileSync(join(home, 'body.txt'), 'Bob');
  const routes = { [invokePath]: greet };
  const piped = await call(['invoke', 'greeter', '--input', '-', '-q'], { routes, input: 'Cy' });
  assert.deepEqual([piped.stdout, piped.stderr], ['Hello, Cy!', '']);
  const words = ['invoke', 'greeter', '--input', '@body.txt', '--subject', 'hi.there', '--deadline', '1.5s'];
  const named = await call(words, { routes });
  assert.equal(named.stdout, 'Hello, Bob!');
  assert.equal(named.server.seen[0]?.headers['x-mote-subject'], 'hi.there');
  assert.equal(named.server.seen[0]?.headers['x-mote-deadline-ms'], '1500');
});

test('invoke --json is one document, with bytes that are no text in base64', async () => {
  const routes: Record<string, Route> = {
    [invokePath]: (_, response) => {
      response.writeHead(200, outcome('ok'));
      response.end(Buffer.from([0xff, 0]));
    },
  };
  const { code, stdout, stderr } = await call(['invoke', 'greeter', '--json'], { routes });
  assert.deepEqual(JSON.parse(stdout), {
    kind: 'ok',
    id: 'm-1',
    value: { base64: '/wA=' },
    usage: { fuel: '5212', wallMs: 1.9 },
  });
  assert.deepEqual([code, stderr], [0, '']);
});

const ends: readonly (readonly [kind: string, status: number, code: number, line: RegExp])[] = [
  ['error', 422, 1, /^host: failed: invalid: whom\? · fuel 5,212 · 1\.9 ms\n$/],
  ['trap', 502, 134, /^host: trap: it trapped · fuel/],
  ['limit', 429, 124, /^host: limit: it trapped · fuel/],
  ['cancelled', 499, 130, /^host: cancelled: it trapped · fuel/],
  ['denied', 403, 77, /^host: denied: it trapped · fuel/],
];

for (const [kind, status, expected, line] of ends) {
  test(`an agent that ends with '${kind}' gives exit code ${expected}`, async () => {
    const data = kind === 'error' ? { failure: { tag: 'invalid', val: 'whom?' } } : {};
    const routes: Record<string, Route> = {
      [invokePath]: (_, response) =>
        problem(response, status, `agent-${kind}`, 'it trapped', { headers: outcome(kind), data }),
    };
    const { code, stdout, stderr } = await call(['invoke', 'greeter'], { routes });
    assert.match(stderr, line);
    assert.deepEqual([code, stdout], [expected, '']);
  });
}

test('agents wait says what was not come to in time', async () => {
  const routes: Record<string, Route> = {
    'GET /v1/agents/greeter/state': (_, response) =>
      json(response, { name: 'greeter', lifecycle: 'ready', reached: false }),
  };
  const { code, stdout, stderr } = await call(['agents', 'wait', 'greeter', '--timeout', '0'], { routes });
  assert.deepEqual(
    [code, stdout, stderr],
    [124, 'ready\n', 'host: greeter is ready, and not ended after 0 s\n'],
  );
});

test('what a server refuses is one line with its cure, and an exit code by its class', async () => {
  const refusing = (status: number, code: string, detail: string): Call => ({
    routes: { [invokePath]: (_, response) => problem(response, status, code, detail) },
  });
  const full = await call(
    ['invoke', 'greeter'],
    refusing(503, 'HOST_ERR_MAILBOX_FULL', 'the mailbox is full'),
  );
  assert.deepEqual([full.code, full.stderr], [69, 'host: the mailbox is full (request r-1)\n']);
  const nobody = await call(['invoke', 'nobody']);
  assert.deepEqual([nobody.code, nobody.stderr], [66, 'host: no agent for /v1/agents/nobody/invoke\n']);
  const words =
    "a token is needed: send 'Authorization: Bearer TOKEN' with a token made by 'host token create'";
  const stranger = await call(['invoke', 'greeter'], refusing(401, 'unauthorized', words));
  assert.deepEqual(
    [stranger.code, stranger.stderr],
    [77, 'host: a token is needed; set HOST_TOKEN or --token-file to one, which host token create makes\n'],
  );
  const foreign = await call(['invoke', 'greeter'], {
    routes: { [invokePath]: (_, response) => void response.writeHead(500).end('<html>') },
  });
  assert.match(
    foreign.stderr,
    /answered 500 and not as host serve does; say where a host serves with --url\n/,
  );
  assert.equal(foreign.code, 69);
});

test('where nobody listens, one line says how to start a host', async () => {
  const { code, stderr } = await host(['agents'], { env: { HOST_URL: 'http://127.0.0.1:1' } });
  assert.equal(
    stderr,
    'host: nothing listens at http://127.0.0.1:1; start a host with: host serve FOLDER, or say where it is with --url or HOST_URL\n',
  );
  assert.equal(code, 69);
});

test('a host may be served under a path of another', async () => {
  await using server = await RoutesServer.listen({ 'POST /hosts/a/v1/agents/greeter/invoke': greet });
  for (const end of ['', '/']) {
    const { stdout } = await host(['invoke', 'greeter', '--url', `${server.url}/hosts/a${end}`], {
      cwd: home,
    });
    assert.equal(stdout, 'Hello, !');
  }
});

test('a token comes from HOST_TOKEN or a file, and never shows in an error', async () => {
  writeFileSync(join(home, 'token'), 'mote_from_file\n');
  writeFileSync(join(home, 'no-token'), 'mote secret\nin two');
  const routes = { [invokePath]: greet };
  const own = await call(['invoke', 'greeter'], { routes, env: { HOST_TOKEN: 'mote_own' } });
  assert.equal(own.server.seen[0]?.headers.authorization, 'Bearer mote_own');
  const filed = await call(['invoke', 'greeter', '--token-file', 'token'], {
    routes,
    env: { HOST_TOKEN: 'mote_own' },
  });
  assert.equal(filed.server.seen[0]?.headers.authorization, 'Bearer mote_from_file');
  const wrong = await call(['invoke', 'greeter', '--token-file', 'no-token'], { routes });
  assert.match(wrong.stderr, /^host: --token-file no-token does not hold a token: /);
  assert.ok(!wrong.stderr.includes('secret'));
  assert.deepEqual([wrong.code, wrong.server.seen.length], [77, 0]);
  const long = await call(['invoke', 'greeter'], { routes, env: { HOST_TOKEN: 'x'.repeat(4097) } });
  assert.deepEqual([long.code, long.server.seen.length], [77, 0]);
  const none = await call(['invoke', 'greeter', '--token-file', 'missing'], { routes });
  assert.equal(none.code, 66);
});

test('words that make no sense are told apart before anything is sent', async () => {
  for (const [words, expected] of [
    [['invoke'], /which agent\? host invoke NAME/],
    [['invoke', 'greeter', 'hello'], /what is 'hello' for\? a message goes in with --input/],
    [['invoke', 'greeter', '--inptu', 'x'], /unknown option --inptu, did you mean '--input'\?/],
    [
      ['invoke', 'greeter', '--deadline', 'soon'],
      /--deadline: 'soon' is not a time; write for example 500ms/,
    ],
    [['invoke', 'greeter', '--type', 'a\nb'], /--type: 'a\\x0ab' has characters that a header cannot hold/],
    [['invoke', 'greeter', '--url', 'ftp://x'], /--url: 'ftp:\/\/x' is not a URL such as/],
    [['invoke', 'greeter', '--url', 'http://me:secret@x'], /is not a URL such as/],
    [['publish'], /which subject\?/],
    [
      ['publish', 'agent.billing'],
      /mailbox: host invoke billing asks it, host send billing leaves it a message/,
    ],
    [['send'], /which agent\? host send NAME/],
    [['publish', 'a.b', '--guarantee', 'maybe'], /--guarantee: 'maybe' is none of at-most-once/],
    [['subscribe', 'a.b', '-n', '0'], /--count: '0' is not a number from 1 to/],
    [['logs', '--level', 'wran'], /--level: no level 'wran', did you mean 'warn'\?/],
    [['dead-letters', 'retyr', 'x'], /what is 'retyr' for, did you mean 'retry'\?/],
    [['dead-letters', 'rm'], /host dead-letters rm needs the ID of one, as host dead-letters shows it/],
    [['agents', 'stop', 'slow', '--timeout', '5'], /--timeout has no effect on host agents stop;/],
    [['agents', 'a', '--accept'], /--accept has no effect on one agent;/],
    [['invoke', 'greeter', '--deadline', '0s'], /--deadline: '0s' is not from 1ms to 24h/],
    [['invoke', 'greeter', '--input', 'a', '--input', 'b'], /--input is there twice, 'a' and 'b': it takes/],
    [['agents', 'rm'], /host agents rm needs to be told which one/],
  ] as const) {
    const { code, stderr, server } = await call(words);
    assert.match(stderr, expected);
    assert.deepEqual([code, server.seen.length], [64, 0], words.join(' '));
  }
});

test('publish prints the id of the message and says how many get it', async () => {
  const routes: Record<string, Route> = {
    'POST /v1/publish/orders.new': (_, response) => json(response, { id: 'm-7', receivers: 2 }, 202),
    'POST /v1/publish/orders.old': (_, response) => json(response, { id: 'm-8', receivers: 0 }, 202),
  };
  const words = [
    'publish',
    'orders.new',
    '--input',
    '{}',
    '-t',
    'application/json',
    '--guarantee',
    'at-least-once',
    '--id',
    'x1',
  ];
  const { code, stdout, stderr, server } = await call(words, { routes });
  assert.deepEqual([code, stdout, stderr], [0, 'm-7\n', 'host: 2 receivers\n']);
  const [seen] = server.seen;
  assert.equal(seen?.query.get('guarantee'), 'at-least-once');
  assert.equal(seen?.headers['x-mote-message-id'], 'x1');
  const old = await call(['publish', 'orders.old'], { routes });
  assert.equal(old.stderr, 'host: nobody listens to this subject\n');
});

test('send leaves an agent a message, and says when it had it already', async () => {
  let receivers = 1;
  const routes: Record<string, Route> = {
    'POST /v1/agents/billing/send': (_, response) => json(response, { id: 'm-7', receivers }, 202),
  };
  const sent = await call(['send', 'billing', '--input', '7', '--id', 'x1'], { routes });
  assert.deepEqual([sent.code, sent.stdout, sent.stderr], [0, 'm-7\n', 'host: billing has it\n']);
  assert.deepEqual(
    [sent.server.seen[0]?.body, sent.server.seen[0]?.headers['x-mote-message-id']],
    ['7', 'x1'],
  );
  const ended: Record<string, Route> = {
    'POST /v1/agents/billing/send': (_, response) =>
      json(response, { id: 'm-7', receivers, hasEnded: true }, 202),
  };
  const late = await call(['send', 'billing'], { routes: ended });
  assert.match(
    late.stderr,
    /^host: billing has ended, .* host dead-letters; host agents resume billing begins it anew\n$/,
  );
  assert.deepEqual([late.code, late.stdout], [69, 'm-7\n']);
  receivers = 0;
  const again = await call(['send', 'billing', '--json', '--guarantee', 'exactly-once'], { routes });
  assert.deepEqual(JSON.parse(again.stdout), { id: 'm-7', receivers: 0 });
  assert.equal(again.server.seen[0]?.query.get('guarantee'), 'exactly-once');
  const told = await call(['send', 'billing'], { routes });
  assert.equal(told.stderr, 'host: it was there already under this id\n');
  assert.equal((await call(['send', 'nobody'])).code, 66);
  const refused: Record<string, Route> = {
    'POST /v1/agents/billing/send': (_, response) =>
      problem(response, 409, 'HOST_ERR_LIFECYCLE_ILLEGAL', 'billing has ended'),
  };
  assert.equal((await call(['send', 'billing'], { routes: refused })).code, 69);
});

test('a stream with line ends of the other kind is read as well', async () => {
  const routes: Record<string, Route> = {
    'GET /v1/subscribe/a': (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end('event: message\r\ndata: {"id":"m","subject":"a","body":"x"}\r\n\r\n');
    },
  };
  assert.equal((await call(['subscribe', 'a'], { routes })).stdout, 'a  -  x\n');
});

test('who reads no further, as head does, ends a command in good order', async () => {
  const endless: Route = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', ...outcome('ok') });
    const more = (): void => {
      while (!response.destroyed && response.write(`event: message\ndata: {"subject":"a","body":"x"}\n\n`));
      if (!response.destroyed) response.once('drain', more);
    };
    more();
  };
  for (const [words, path] of [
    [['subscribe', 'a'], 'GET /v1/subscribe/a'],
    [['logs', '-f', '--json'], 'GET /v1/logs'],
    [['invoke', 'greeter', '-q'], invokePath],
  ] as const) {
    const { code, stderr } = await call(words, { routes: { [path]: endless }, readsOnce: true });
    assert.deepEqual([code, stderr.replace(/^host: listening to a; .*\n/, '')], [0, ''], words.join(' '));
  }
});

test('a host that dies in the middle of a stream is told in one line', async () => {
  const dying: Route = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(': \n\n', () => response.destroy());
  };
  const line =
    'host: the host went away in the middle of its answer: it ended or was killed, or the way to it broke\n';
  for (const [words, path] of [
    [['subscribe', 'a'], 'GET /v1/subscribe/a'],
    [['logs', '-f'], 'GET /v1/logs'],
    [['invoke', 'greeter'], invokePath],
    [['invoke', 'greeter', '--json'], invokePath],
    [['agents'], 'GET /v1/agents'],
  ] as const) {
    const { code, stderr } = await call(words, { routes: { [path]: dying } });
    assert.equal(stderr.replace(/^host: listening to a; .*\n/, ''), line, words.join(' '));
    assert.equal(code, 69);
  }
});

test('request asks a subject and ends as invoke does', async () => {
  const { code, stdout } = await call(['request', 'prices.eur', '--input', 'tea'], {
    routes: { 'POST /v1/request/prices.eur': greet },
  });
  assert.deepEqual([code, stdout], [0, 'Hello, tea!']);
});

const said = (subject: string, sender: string | undefined, body: string): readonly [string, unknown] => [
  'message',
  { id: 'm', subject, sender, sentAt: 1, body },
];

test('subscribe prints messages as they come, as many as were asked for', async () => {
  const routes: Record<string, Route> = {
    'GET /v1/subscribe/chat.%3E': (_, response) =>
      eventStream(response, [
        said('chat.a', 'room', 'one\ntwo'),
        ['lost', { count: 3 }],
        said('chat.b', undefined, '\x1b[2J'),
        said('chat.c', 'x', ''),
      ]),
  };
  const { code, stdout, stderr, server } = await call(
    ['subscribe', 'chat.>', '-n', '2', '--group', 'all of us'],
    { routes },
  );
  assert.deepEqual([code, stdout], [0, 'chat.a  room  one\\x0atwo\nchat.b  -  \\x1b[2J\n']);
  assert.equal(stderr, 'host: listening to chat.>; Ctrl-C ends it\nhost: 3 messages were left out\n');
  assert.equal(server.seen[0]?.query.get('group'), 'all of us');
});

test('subscribe --json prints a line of JSON for each, and bytes as they came', async () => {
  const routes: Record<string, Route> = {
    'GET /v1/subscribe/a': (_, response) =>
      eventStream(response, [['message', { id: 'm', subject: 'a', bodyBase64: '/w==' }]]),
  };
  const lines = await call(['subscribe', 'a', '-n', '1', '--json'], { routes });
  assert.deepEqual(JSON.parse(lines.stdout), { id: 'm', subject: 'a', bodyBase64: '/w==' });
  const text = await call(['subscribe', 'a', '-n', '1'], { routes });
  assert.equal(text.stdout, 'a  -  base64:/w==\n');
});

test('a stream that the server ends is told with its reason', async () => {
  const routes: Record<string, Route> = {
    'GET /v1/subscribe/a': (_, response) =>
      eventStream(response, [['end', { reason: 'the host is shutting down' }]]),
  };
  const { code, stderr } = await call(['subscribe', 'a'], { routes });
  assert.deepEqual(
    [code, stderr],
    [69, 'host: listening to a; Ctrl-C ends it\nhost: the server ended it: the host is shutting down\n'],
  );
});

const entry = {
  atMs: new Date(2026, 0, 2, 12, 3, 4, 123).getTime(),
  level: 'info',
  agent: 'billing',
  text: 'paid',
  fields: [
    { name: 'order', value: '7' },
    { name: 'who', value: 'A B' },
  ],
};

test('logs are lines of time, level, agent, text and fields', async () => {
  const routes: Record<string, Route> = {
    'GET /v1/logs': (_, response) =>
      void response.end(
        `${JSON.stringify(entry)}\n${JSON.stringify({ ...entry, agent: undefined, level: 'warn', text: 'x\x07', fields: [] })}\n`,
      ),
  };
  const { code, stdout, server } = await call(['logs', 'bill*', '--level', 'info', '-n', '5'], { routes });
  assert.equal(
    stdout,
    '12:03:04.123 info  billing  paid order=7 who="A B"\n12:03:04.123 warn  host     x\\x07\n',
  );
  assert.equal(code, 0);
  assert.equal(server.seen[0]?.query.toString(), 'tail=5&agent=bill*&level=info');
  const none = await call(['logs', 'bill'], {
    routes: { 'GET /v1/logs': (_, response) => void response.end() },
  });
  assert.equal(none.stderr, 'host: nothing was logged of bill; host agents shows whether it is there\n');
});

test('what comes from elsewhere cannot steer the terminal, and lines stay in their columns', async () => {
  const long = 'n'.repeat(30);
  const entries = [
    { ...entry, agent: long, fields: [{ name: 'a', value: '' }] },
    { ...entry, fields: [{ name: 'sum', value: '1=1' }] },
  ];
  const routes: Record<string, Route> = {
    'GET /v1/logs': (_, response) =>
      void response.end(entries.map((one) => `${JSON.stringify(one)}\n`).join('')),
    'GET /v1/agents': (_, response) => json(response, { agents: [{ ...summary('a'), route: '/\x1b[2J' }] }),
  };
  const logs = await call(['logs'], { routes });
  assert.deepEqual(logs.stdout.split('\n').slice(0, 2), [
    `12:03:04.123 info  ${long}  paid a=""`,
    `12:03:04.123 info  ${'billing'.padEnd(24)}  paid sum="1=1"`,
  ]);
  const agents = await call(['agents'], { routes });
  assert.match(agents.stdout, / \/\\x1b\[2J\n$/);
});

test('Ctrl-C takes a request back, and is told', async () => {
  const asked = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  await using server = await RoutesServer.listen({
    [invokePath]: (_, response) => {
      response.once('close', gone.resolve);
      asked.resolve();
    },
  });
  await using run = new HostProcess(['invoke', 'greeter', '--url', server.url, '--input', 'x'], home);
  await asked.promise;
  assert.equal(await run.end('SIGINT'), 130);
  assert.equal(run.stderr.printed, 'host: cancelled: SIGINT\n');
  await gone.promise;
});

test('logs -f goes on with what comes until its reader has enough', async () => {
  const routes: Record<string, Route> = {
    'GET /v1/logs': ({ query }, response) => {
      assert.equal(query.get('follow'), '1');
      eventStream(response, [['log', entry]]);
      setImmediate(() => response.end(`event: end\ndata: {"reason":"enough"}\n\n`));
    },
  };
  const { stdout, stderr } = await call(['logs', '-f', '--json'], { routes });
  assert.deepEqual(JSON.parse(stdout), entry);
  assert.match(stderr, /the server ended it: enough/);
});

const summary = (name: string): Record<string, unknown> => ({
  name,
  state: 'idle',
  lifecycle: 'ready',
  digest: 'ab'.repeat(32),
  world: 'handler',
  thread: 1,
  mailboxDepth: 0,
  handled: 1234,
  failed: 1,
  memoryBytes: 65_536,
  fuel: 1_200_000,
});

test('agents are listed page by page', async () => {
  const routes: Record<string, Route> = {
    'GET /v1/agents': ({ query }, response) =>
      query.get('after') === 'a'
        ? json(response, { agents: [{ ...summary('b'), route: '/shop' }] })
        : json(response, { agents: [summary('a')], next: 'a' }),
  };
  const { code, stdout } = await call(['agents'], { routes });
  assert.match(
    stdout,
    /^NAME +STATE +LIFE +THREAD +WAITING +HANDLED +FAILED +MEMORY +FUEL +ROUTE\na +idle +ready +1 +0 +1,234 +1 +64 KiB +1\.2M\nb +idle .* \/shop\n$/,
  );
  assert.equal(code, 0);
  const lines = (await call(['agents', '--json'], { routes })).stdout.trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).name),
    ['a', 'b'],
  );
});

test('a wide list says how agents are scheduled, and how many instances they have', async () => {
  const scheduling = { level: 'high', weight: 4, turns: 12_000, share: 0.25, waitMs: 1.5 };
  const several = { instances: 4, threads: [1, 2], scheduling: { ...scheduling, waitMs: undefined } };
  const routes: Record<string, Route> = {
    'GET /v1/agents': (_, response) =>
      json(response, {
        agents: [
          { ...summary('a'), scheduling },
          { ...summary('b'), ...several },
        ],
      }),
  };
  for (const flag of ['--wide', '-w']) {
    const { code, stdout } = await call(['agents', flag], { routes });
    assert.match(
      stdout,
      /^NAME +STATE +LIFE +LEVEL +WEIGHT +THREAD +TURNS +SHARE +WAIT +WAITING +HANDLED +FAILED +MEMORY +FUEL +ROUTE +PARENT\na +idle +ready +high +4 +1 +12K +25 % +1\.5 ms +0 .*\nb +idle +ready +high +4 +4 on 1,2 +12K +25 % +- +0 /i,
    );
    assert.equal(code, 0);
  }
  const narrow = await call(['agents'], { routes });
  assert.ok(!narrow.stdout.includes('LEVEL') && narrow.stdout.includes('4 on 1,2'));
  const refused = await call(['agents', 'a', '--wide'], { routes });
  assert.match(refused.stderr, /--wide has no effect on one agent/);
});

test('one agent is shown with all there is to know, and removed', async () => {
  const detail = {
    ...summary('a'),
    manifest: 'name = "a"\n',
    imports: ['motehost:agent/bus', 'motehost:agent/log'],
    underWayMs: 12_345,
    installedAtMs: 0,
    earlier: [],
    subscriptions: [{ pattern: 'orders.>', group: 'g' }],
    triggers: [
      { name: 'daily', cron: '0 8 * * *', zone: 'Europe/Berlin', nextMs: 1_700_000_000_000 },
      { name: 'tick', everyMs: 90_000 },
      { name: 'quick', everyMs: 1500 },
      { name: 'new', subject: 'orders.new' },
    ],
  };
  const routes: Record<string, Route> = {
    'GET /v1/agents/a': (_, response) => json(response, detail),
    'DELETE /v1/agents/a': (_, response) => void response.writeHead(204).end(),
  };
  const { stdout } = await call(['agents', 'a'], { routes });
  assert.match(stdout, /^name +a\nstate +idle, on thread 1\n/);
  assert.match(stdout, /\nunder way +a message, for 12\.3 s; what it uses is told at its end\n/);
  assert.match(
    stdout,
    /\nimports +motehost:agent\/bus\nimports +motehost:agent\/log\nlistens +orders\.> \(group g\)\n/,
  );
  assert.deepEqual(
    [...stdout.matchAll(/^trigger +(.*)$/gm)].map(([, text]) => text),
    [
      'daily: cron 0 8 * * * (Europe/Berlin), next at 2023-11-14T22:13:20.000Z',
      'tick: every 1m 30s',
      'quick: every 1500ms',
      'new: subject orders.new',
    ],
  );
  assert.match(stdout, /\n\nname = "a"\n$/);
  const gone = await call(['agents', 'rm', 'a'], { routes });
  assert.deepEqual([gone.code, gone.stderr], [0, 'host: a is removed\n']);
});

test('dead letters are listed with their reason, delivered again and dropped', async () => {
  const letter = {
    message: { id: 'm-1', subject: 'orders.new' },
    receiver: 'billing',
    reason: 'invalid',
    failure: { tag: 'invalid', val: 'no price' },
    atMs: Date.now(),
  };
  const routes: Record<string, Route> = {
    'GET /v1/dead-letters': (_, response) => json(response, { deadLetters: [letter] }),
    'POST /v1/dead-letters/m-1/retry': (_, response) => void response.writeHead(204).end(),
    'DELETE /v1/dead-letters/m-1': (_, response) => void response.writeHead(204).end(),
  };
  const { stdout } = await call(['dead-letters'], { routes });
  assert.match(
    stdout,
    /^ID +AGE +SUBJECT +RECEIVER +REASON +FAILURE\nm-1 +\d+s +orders\.new +billing +invalid +invalid: no price\n$/,
  );
  const retried = await call(['dead-letters', 'retry', 'm-1'], { routes });
  assert.deepEqual([retried.code, retried.stderr], [0, 'host: m-1 is on its way again\n']);
  const dropped = await call(['dead-letters', 'rm', 'm-1'], { routes });
  assert.deepEqual([dropped.code, dropped.stderr], [0, 'host: m-1 is forgotten\n']);
  assert.equal((await call(['dead-letters', 'rm', 'm-2'], { routes })).code, 66);
});

test('top prints one frame where nobody watches', async () => {
  const status = {
    version: '0.1.0',
    startedAtMs: Date.now() - 65_000,
    agents: { idle: 2, running: 0, hibernated: 1 },
    memories: { live: 2, max: 12_000 },
    threads: [
      {
        thread: 1,
        agents: 3,
        active: 0,
        handled: 10,
        fuel: 100,
        memories: 2,
        heapBytes: 1_048_576,
        utilisation: 0.25,
        scheduling: {
          policy: { policy: 'custom', inForce: 'fair-share', asked: 3, fault: 'it trapped' },
          queued: { realtime: 0, critical: 1, high: 0, normal: 4, low: 0, batch: 0 },
          starts: 10,
          slices: 130,
          preemptions: 65,
          aged: 0,
          latenessMs: 1.25,
          latenessMsMax: 3,
        },
      },
    ],
    stealing: { steals: 0, moved: 0, refused: 0 },
    deadLetters: 0,
  };
  const routes: Record<string, Route> = {
    'GET /v1/status': (_, response) => json(response, status),
    'GET /v1/agents': (_, response) =>
      json(response, {
        agents: [
          { ...summary('a'), scheduling: { level: 'critical', weight: 3, turns: 1, share: 0, waitMs: 2 } },
          { ...summary('b'), fuel: 9_900_000 },
        ],
      }),
  };
  const { code, stdout } = await call(['top', '-n', '1'], { routes });
  assert.match(
    stdout,
    /^host 0\.1\.0, up 1m \d+s · 3 agents: 2 idle, 1 hibernated · memories 2 of 12,000 · 0 dead letters · policy custom failed on thread 1: fair-share decides\n/,
  );
  assert.match(stdout, /THREAD +AGENTS .*\n +1 +3 +0 +5: 1 critical .* 1\.3 ms .* 1 MiB +25 %\n/);
  assert.match(
    stdout,
    /AGENT +STATE +LEVEL +THREAD +WAIT +WAITING .*\nb +idle .*\na +idle +critical ×3 +1 +2\.0 ms +0 /,
  );
  assert.ok(!stdout.includes('\x1b'));
  assert.equal(code, 0);
});

test('install shows what a new version wants more, and takes it once that is accepted', async () => {
  // Nothing looks into it here.
  writeFileSync(join(home, 'echo.wasm'), 'component');
  const difference = {
    newImports: ['wasi:http/outgoing-handler'],
    newGrants: ['[capabilities.bus] send += "a"'],
    droppedImports: [],
    droppedGrants: [],
  };
  const routes: Record<string, Route> = {
    'POST /v1/agents': ({ query }, response) =>
      query.get('accept') === null
        ? problem(response, 409, 'wants-more', 'it asks for more', { data: { difference } })
        : json(response, { ...summary('echo'), change: 'upgraded' }),
  };
  const refused = await call(['agents', 'install', 'echo.wasm'], { routes });
  assert.equal(refused.code, 77);
  assert.match(
    refused.stderr,
    /wants more than the one before:\n {2}\+ imports wasi:http\/outgoing-handler\n {2}\+ \[capabilities\.bus\] send \+= "a"\n/,
  );
  const sent = JSON.parse(refused.server.seen[0]?.body ?? '');
  assert.deepEqual(sent, {
    manifest: 'name = "echo"\n',
    component: Buffer.from('component').toString('base64'),
  });
  const taken = await call(['agents', 'install', 'echo.wasm', '--accept'], { routes });
  assert.deepEqual([taken.code, taken.stderr], [0, `host: echo is upgraded, ${'ab'.repeat(6)}\n`]);
  assert.match(taken.server.seen[0]?.query.get('accept') ?? '', /^[0-9a-f]{64}$/);
});

test('install tells a new agent from a new version and from one that is there already', async () => {
  writeFileSync(join(home, 'told.wasm'), 'component');
  for (const [change, said] of [
    ['installed', 'is installed'],
    ['upgraded', 'is upgraded'],
    ['unchanged', 'is there already, as it is'],
  ] as const) {
    const routes: Record<string, Route> = {
      'POST /v1/agents': (_, response) => json(response, { ...summary('told'), change }),
    };
    const { code, stderr } = await call(['agents', 'install', 'told.wasm'], { routes });
    assert.deepEqual([code, stderr], [0, `host: told ${said}, ${'ab'.repeat(6)}\n`]);
  }
});

test('every command has a help that begins with what it does', async () => {
  const { stdout } = await host(['--help']);
  const names = [...stdout.matchAll(/^ {2}([a-z-]+) {2,}\S/gm)].map(([, name]) => name ?? '');
  assert.ok(names.length >= 16, stdout);
  for (const name of names) {
    const help = await host([name, '--help']);
    assert.match(help.stdout, new RegExp(`^host ${name}: .*\\n\\nUsage: host ${name}`), name);
    assert.equal(help.code, 0);
    assert.deepEqual(
      help.stdout.split('\n').filter((line) => line.length > 128),
      [],
      name,
    );
  }
});
