import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { AgentState, DeadLetter, Message } from '../../host/host/serving.ts';
import { frailAgent, unwillingAgent } from '../support/frail-agent.ts';
import { Hosted, localAgent, payload, principal, temporaryState } from '../support/hosted.ts';

// What manifests say of failures, with real agents on a serving host.

const options = { timeout: 60_000 };
const quick = '[delivery]\nbackoff = "1ms"\n';
let [billing, spare, third] = [new Uint8Array(0), new Uint8Array(0), new Uint8Array(0)];
before(async () => {
  [billing, spare, third] = await Promise.all([
    frailAgent('billing'),
    frailAgent('spare'),
    frailAgent('third'),
  ]);
});

const bill = (errors: string, more = quick) => localAgent('billing', billing, `[errors]\n${errors}\n${more}`);

/** How often an agent saw some words so far. */
function count(host: Hosted, name: string, words: string): number {
  return host.lines.all.filter((line) => line.startsWith(`${name}: seen ${words}`)).length;
}

let marks = 0;

/** How often an agent that is not held has seen some words: its lines come in order, so one more ends them. */
async function seen(host: Hosted, name: string, words: string): Promise<number> {
  const mark = `mark-${++marks}`;
  await host.ask(name, mark);
  await host.lines.until(new RegExp(`^${name}: seen ${mark}`));
  return count(host, name, words);
}

async function until<T>(look: () => Promise<T>, isThere: (found: T) => boolean): Promise<T> {
  for (;;) {
    const found = await look();
    if (isThere(found)) return found;
    await wait(5);
  }
}

const become = (host: Hosted, state: AgentState, name = 'billing') =>
  until(
    async () => (await host.serving.agent(name)).state,
    (found) => found === state,
  );

const letters = (host: Hosted, count: number): Promise<readonly string[]> =>
  until(
    () => host.serving.deadLetters(100),
    (found) => found.length >= count,
  ).then((found) => found.map(textOf).sort());

function textOf({ message, receiver, reason }: DeadLetter): string {
  return `${receiver} ${reason} ${new TextDecoder().decode(message.body)}`;
}

test(
  'without a word of it: a request is told, a message comes again until its attempts are used up',
  options,
  async (t) => {
    const host = await Hosted.start(t, temporaryState(t), [
      localAgent('billing', billing, '[delivery]\nattempts = 3\nbackoff = "1ms"\n'),
    ]);
    assert.equal(await host.ask('billing', 'trap 1'), 'trap');
    assert.equal(await host.ask('billing', 'fail 1'), 'error');
    assert.equal(await host.ask('billing', ''), 'billing 2');
    await host.send('billing', 'trap 9');
    assert.deepEqual(await letters(host, 1), ['billing attempts trap 9']);
    assert.equal(
      await seen(host, 'billing', 'trap 9'),
      3,
      'a message that takes its agent along does not come for ever',
    );
  },
);

test('none: whoever asked is told, and what was sent is a dead letter at once', options, async (t) => {
  const host = await Hosted.start(t, temporaryState(t), [bill('default = "none"')]);
  assert.equal(await host.ask('billing', 'trap 1'), 'trap');
  await host.send('billing', 'trap 1');
  await host.send('billing', 'bad');
  assert.deepEqual(await letters(host, 2), ['billing failed trap 1', 'billing invalid bad']);
  assert.equal(await seen(host, 'billing', 'trap 1'), 2);
});

test('retry: a request comes again until it is answered, within its asker’s time', options, async (t) => {
  const host = await Hosted.start(t, temporaryState(t), [
    bill('default = "retry:3"'),
    localAgent('slow', billing, '[errors]\ntrap = "retry"\n[delivery]\nbackoff = "1h"\nbackoff-max = "1h"\n'),
  ]);
  assert.equal(await host.ask('billing', 'trap 2'), 'billing 1', 'after a trap in another instance');
  assert.equal(await seen(host, 'billing', 'trap 2, attempt 3'), 1);
  assert.equal(await host.ask('billing', 'fail 2'), 'billing 5', 'after an error in the same one');
  assert.equal(await host.ask('billing', 'fail 9'), 'error');
  assert.equal(await seen(host, 'billing', 'fail 9'), 4);
  assert.equal(await host.ask('billing', 'bad'), 'error');
  assert.equal(await seen(host, 'billing', 'bad'), 1, 'what is invalid is so the next time too');
  // Its asker would not live to see it: it is told what happened, and at once.
  assert.equal(await host.ask('slow', 'trap 1'), 'trap');
});

test(
  'retry: an asker that gives up takes its message along while that waits to come again',
  options,
  async (t) => {
    const host = await Hosted.start(t, temporaryState(t), [
      bill('trap = "retry"', '[delivery]\nbackoff = "5s"\nbackoff-max = "5s"\n'),
    ]);
    const gone = new AbortController();
    const asked = host.serving.invoke('billing', payload('trap 1'), { principal, signal: gone.signal });
    await host.lines.until(/billing: ended: trap/);
    gone.abort();
    assert.equal((await asked).kind, 'refused');
    await until(
      () => host.serving.agent('billing'),
      ({ mailboxDepth }) => mailboxDepth === 0,
    );
    assert.equal(await host.ask('billing', ''), 'billing 1');
  },
);

test('what its sender wants delivered once at most is not repeated', options, async (t) => {
  const host = await Hosted.start(t, temporaryState(t), [
    bill('trap = ["retry", "restart", "failover:spare"]'),
    localAgent('spare', spare),
  ]);
  await host.serving.send('billing', payload('trap 1'), { principal, guarantee: 'at-most-once' });
  await host.lines.until(/billing: ended: trap/);
  assert.equal(await host.ask('billing', ''), 'billing 1');
  assert.deepEqual([await seen(host, 'billing', 'trap 1'), await seen(host, 'spare', 'trap 1')], [1, 0]);
});

test(
  'restart: an instance that failed is gone, and the message comes again before the others, once',
  options,
  async (t) => {
    const host = await Hosted.start(t, temporaryState(t), [bill('trap = "restart"\nerror = "restart"')]);
    assert.equal(await host.ask('billing', ''), 'billing 1');
    assert.equal(await host.ask('billing', 'fail 1'), 'billing 1', 'in another instance, from the start');
    assert.equal(await host.ask('billing', 'trap 2'), 'trap');
    assert.equal(await seen(host, 'billing', 'trap 2'), 2);
    const first = host.ask('billing', 'trap 1');
    const second = host.ask('billing', 'later');
    assert.deepEqual(await Promise.all([first, second]), ['billing 1', 'billing 2']);
  },
);

test(
  'with its state saved, a message that takes the instance along leaves no trace in it',
  options,
  async (t) => {
    const host = await Hosted.start(t, temporaryState(t), [
      bill('state = "saved"\ntrap = "restart"\nerror = "restart"'),
      localAgent('spare', spare, '[errors]\nstate = "saved"\n'),
    ]);
    assert.equal(await host.ask('billing', ''), 'billing 1');
    assert.equal(await host.ask('billing', 'trap 1'), 'billing 2');
    assert.equal(await host.ask('billing', 'fail 1'), 'billing 3');
    assert.equal(await host.ask('billing', 'trap 2'), 'trap');
    assert.equal(await host.ask('billing', ''), 'billing 4');
    assert.equal(await host.ask('spare', ''), 'spare 1');
    assert.equal(await host.ask('spare', 'trap 1'), 'trap');
    assert.equal(await host.ask('spare', ''), 'spare 2', 'also where no strategy is named');
  },
);

for (const threads of [1, 2])
  test(
    `failover over ${threads} threads: the asker gets the other one’s answer, and nobody else may send there`,
    options,
    async (t) => {
      const host = await Hosted.start(
        t,
        temporaryState(t),
        [
          bill('trap = ["restart", "failover:spare"]'),
          localAgent('spare', spare),
          localAgent('third', third),
        ],
        { threads },
      );
      assert.equal(await host.ask('billing', 'trap 1'), 'billing 1', 'only when the restart is used up');
      assert.equal(await host.ask('billing', 'trap 2 billing'), 'spare 1');
      await host.lines.until(/spare: seen trap 2 billing, attempt 1, after billing/);
      await host.send('billing', 'trap 2 billing', 'm-1');
      await host.lines.until(/spare: seen trap 2 billing, attempt 1, after billing/, 2);
      assert.equal(
        await host.ask('billing', 'to spare'),
        'error',
        'the right is the host’s, not the agent’s',
      );
      assert.equal(await host.ask('third', 'to spare'), 'error');
      assert.equal(await host.ask('third', 'to nobody'), 'error');
      assert.deepEqual(await host.serving.deadLetters(10), []);
      assert.equal(await seen(host, 'spare', 'hello'), 0);
    },
  );

test('failover: one that is not there, one that fails too, and a circle', options, async (t) => {
  const host = await Hosted.start(
    t,
    temporaryState(t),
    [
      bill('trap = ["failover:nobody", "failover:spare"]\nerror = "failover:nobody"'),
      localAgent('spare', spare, '[errors]\ntrap = ["failover:billing", "failover:third"]\n'),
      localAgent('third', third, '[errors]\ntrap = ["failover:spare", "failover:billing"]\n'),
    ],
    { threads: 2 },
  );
  assert.equal(await host.ask('billing', 'fail 1'), 'error');
  assert.equal(await host.ask('billing', 'trap 1'), 'trap');
  const saw = await Promise.all(['billing', 'spare', 'third'].map((name) => seen(host, name, 'trap 1')));
  assert.deepEqual(saw, [1, 1, 1]);
  await host.lines.until(/third: seen trap 1, attempt 1, after billing, after spare/);
  await host.send('billing', 'trap 1', 'm-1');
  assert.deepEqual(await letters(host, 1), ['third failed trap 1']);
});

test('failover: when the other one’s mailbox is full, the next step is taken', options, async (t) => {
  const host = await Hosted.start(t, temporaryState(t), [
    bill('default = ["failover:spare", "manual"]'),
    localAgent('spare', spare, '[mailbox]\ncapacity = 1\nhigh = 1\nlow = 0\n'),
  ]);
  const gone = new AbortController();
  const spin = host.serving.invoke('spare', payload('spin 1'), { principal, signal: gone.signal });
  await host.lines.until(/spare: seen spin 1/);
  await host.send('spare', 'waits');
  assert.equal(await host.ask('billing', 'trap 1'), 'trap');
  await become(host, 'held');
  gone.abort();
  await spin;
  assert.equal(await host.serving.resume('billing', true), true);
  assert.equal(await host.ask('billing', ''), 'billing 1');
});

test(
  'terminate: the agent is stopped, all its mail is dead letters, until a person revives it',
  options,
  async (t) => {
    const folder = temporaryState(t);
    const agents = [bill('trap = "terminate"')];
    const host = await Hosted.start(t, folder, agents);
    const asked = host.ask('billing', 'trap 1');
    const waiting = host.ask('billing', 'waits');
    await host.send('billing', 'sent');
    assert.deepEqual([await asked, await waiting], ['trap', 'unavailable']);
    assert.deepEqual(await letters(host, 1), ['billing terminated sent']);
    await become(host, 'stopped');
    assert.equal(await host.ask('billing', ''), 'error');
    await host.send('billing', 'late');
    assert.deepEqual(await letters(host, 2), ['billing terminated late', 'billing terminated sent']);
    await host.close(1_000);
    const again = await Hosted.start(t, folder, agents);
    assert.equal((await again.serving.agent('billing')).state, 'stopped');
    assert.match((await again.serving.agent('billing')).lastError ?? '', /^trap: unreachable/);
    assert.equal(await again.serving.resume('billing', false), true);
    assert.equal(await again.ask('billing', ''), 'billing 1');
    assert.equal(await again.serving.resume('billing', false), false);
  },
);

test(
  'manual: an agent is held with its message and its mailbox, and everybody can see it',
  options,
  async (t) => {
    const host = await Hosted.start(t, temporaryState(t), [bill('trap = ["restart", "manual"]')]);
    const events: string[] = [];
    host.serving.subscribe('host.agent.>', undefined, ({ subject }: Message) => void events.push(subject));
    await host.send('billing', 'trap 3', 'm-1');
    await become(host, 'held');
    await host.send('billing', 'sent');
    const refused = await host.serving.invoke('billing', payload('waits'), { principal });
    assert.ok(refused.kind === 'answered' && refused.outcome.kind === 'error');
    assert.deepEqual(refused.outcome.failure, {
      tag: 'unavailable',
      val: 'the agent is held; host agents resume billing lets it go on',
    });
    await until(
      () => host.serving.agent('billing'),
      ({ mailboxDepth }) => mailboxDepth === 2,
    );
    await until(
      async () => count(host, 'billing', 'trap 3'),
      (found) => found === 2,
    );
    assert.match((await host.serving.agent('billing')).lastError ?? '', /^trap: unreachable/);
    assert.equal((await host.serving.status()).agents.held, 1);
    const phases = (await host.serving.metrics()).find(({ name }) => name === 'motehost_agents_in_phase');
    assert.deepEqual(
      phases?.samples.map(({ labels, value }) => [labels.phase, value]),
      [['held', 1]],
    );
    await host.lines.until(/billing: held \(trap: unreachable.*host agents resume billing/);
    await until(
      async () => events,
      (all) => all.includes('host.agent.billing.held'),
    );
    // The same again, the same end: then a third time, which it survives no more than the second.
    assert.equal(await host.serving.resume('billing', false), true);
    await until(
      async () => count(host, 'billing', 'trap 3'),
      (found) => found === 3,
    );
    await become(host, 'held');
    assert.equal(count(host, 'billing', 'sent'), 0, 'the message goes before the others');
    assert.equal(await host.serving.resume('billing', true), true);
    await host.lines.until(/billing: seen sent/);
    assert.equal(await host.ask('billing', ''), 'billing 2');
    assert.deepEqual(await letters(host, 1), ['billing dropped trap 3']);
    await until(
      async () => events,
      (all) => all.includes('host.agent.billing.resumed'),
    );
    assert.equal(await host.serving.resume('billing', true), false);
  },
);

test(
  'a held agent stays held over a new version, the loss of its thread and a restart',
  options,
  async (t) => {
    const folder = temporaryState(t);
    const agent = bill('trap = "manual"');
    const host = await Hosted.start(t, folder, [agent]);
    await host.send('billing', 'trap 9', 'm-1');
    await become(host, 'held');
    await host.send('billing', 'sent', 'm-2');
    const { manifestPath, manifest } = bill('trap = "manual"\nlimit = "none"');
    assert.equal((await host.serving.upgrade(manifestPath, manifest, billing)).kind, 'upgraded');
    assert.equal((await host.serving.agent('billing')).state, 'held');
    await host.serving.endThread(1);
    await host.lines.until(/agents of the lost thread are there again/);
    await become(host, 'held');
    await host.close(1_000);
    const second = await Hosted.start(t, folder, [agent]);
    assert.equal((await second.serving.agent('billing')).state, 'held');
    assert.equal((await second.serving.agent('billing')).mailboxDepth, 2);
    await second.serving.resume('billing', true);
    await second.lines.until(/billing: seen sent/);
    assert.deepEqual(await letters(second, 1), ['billing dropped trap 9']);
    await second.close(1_000);
    const third = await Hosted.start(t, folder, [agent]);
    assert.equal(await third.ask('billing', ''), 'billing 2', 'what it was let go on with is not held again');
  },
);

test('an asker with too little time cannot have an agent held; its own limits can', options, async (t) => {
  const host = await Hosted.start(t, temporaryState(t), [
    bill('default = "manual"', '[limits]\nfuel = "100M"\n'),
  ]);
  const reply = await host.serving.invoke('billing', payload('spin 1'), { principal, deadlineMs: 5 });
  assert.equal(reply.kind, 'refused');
  assert.equal(await host.ask('billing', 'bad'), 'error');
  assert.match(await host.ask('billing', ''), /^billing/);
  const asked = host.serving.invoke('billing', payload('spin 1'), { principal, deadlineMs: 20_000 });
  await become(host, 'held');
  const told = await asked;
  assert.ok(told.kind === 'answered' && told.outcome.kind === 'limit');
  assert.equal(await host.serving.resume('billing', true), true);
});

test('an agent that cannot be started: the strategy for that, and no other', options, async (t) => {
  const unwilling = await unwillingAgent();
  const toml = (settings: string) =>
    `settings = { ${settings} }\n[errors]\nstart = "manual"\nerror = "none"\n${quick}`;
  const agent = localAgent('late', unwilling, toml(''));
  const manifest = { ...agent.manifest, world: 'agent' };
  const host = await Hosted.start(t, temporaryState(t), [{ ...agent, manifest }]);
  assert.equal(await host.ask('late', ''), 'error');
  await become(host, 'held', 'late');
  assert.match((await host.serving.agent('late')).lastError ?? '', /^start: .*not today/);
  const mended = { ...localAgent('late', unwilling, toml('how = "well"')).manifest, world: 'agent' };
  await host.serving.upgrade(agent.manifestPath, mended, unwilling);
  assert.equal(await host.serving.resume('late', false), true);
  assert.equal(await host.ask('late', ''), 'at last');
});

test('denied: what it answers so has its own strategy', options, async (t) => {
  const host = await Hosted.start(t, temporaryState(t), [
    bill('denied = "failover:spare"\nerror = "none"'),
    localAgent('spare', spare),
  ]);
  assert.equal(await host.ask('billing', 'deny 1 billing'), 'spare 1');
  assert.equal(await seen(host, 'spare', 'deny 1'), 1);
  assert.equal(await host.ask('billing', 'fail 1'), 'error');
  assert.equal(await seen(host, 'spare', 'fail 1'), 0);
});

test('a new version that fails over to somebody else asks for more', options, async (t) => {
  const host = await Hosted.start(t, temporaryState(t), [localAgent('spare', spare)]);
  const toml = (errors: string) => `name = "billing"\nworld = "handler"\n${errors}`;
  await host.serving.install({ manifest: toml(''), component: billing });
  const wider = toml('[errors]\ntrap = "failover:spare"\n');
  const asked = await host.serving.install({ manifest: wider, component: billing });
  assert.equal(asked.kind, 'wants-more');
  assert.deepEqual(asked.kind === 'wants-more' && asked.difference.newGrants, [
    '[errors] += {"failover":"spare"}',
  ]);
  const narrower = toml('[errors]\ntrap = "manual"\n');
  assert.equal((await host.serving.install({ manifest: narrower, component: billing })).kind, 'upgraded');
});
