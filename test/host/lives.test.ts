import assert from 'node:assert/strict';
import { before, type TestContext, test } from 'node:test';
import { type LifecycleState, lifecycleStates, transitions } from '../../host/agent/lifecycle.ts';
import { Hosted, localAgent, temporaryState } from '../support/hosted.ts';
import { writtenAgent } from '../support/written-agent.ts';

// Every state of an agent's life, and the arrows of its first description, on a serving host.

const options = { timeout: 40_000 };

/** Starts and stops as its setting says: at once, never (`slow-start`, `slow-stop`), or not at all (`unwilling`). */
const livingSource = `
import { Config, Failure, Message, Reply, Result, StopReason, Unit, done, log, reply, utf8 } from "motehost:agent";

let how = "";
let count = 0;

export function start(config: Config): Result<Unit, Failure> {
  if (config.settings.length > 0) how = config.settings[0].value;
  if (how == "unwilling") return Result.err<Unit, Failure>(Failure.other("not today"));
  if (how == "slow-start") for (;;) {}
  return done<Failure>();
}

export function handle(message: Message): Reply {
  const words = utf8.decode(message.body);
  if (words == "trap") unreachable();
  if (words == "spin") for (;;) {}
  count++;
  log.info("had " + message.subject);
  return reply(count.toString());
}

export function stop(reason: StopReason): void {
  if (how == "slow-stop") for (;;) {}
}
`;

const sleeperSource = `
import { Future, Message, Reply, asyncBus, reply } from "motehost:agent";
export function handle(message: Message): Future<Reply> {
  return asyncBus.sleep(1000000).map<i32, Reply>(0, (slept, none) => reply("slept"));
}`;

let living = new Uint8Array(0);
let sleeper = new Uint8Array(0);
before(async () => {
  const [one, other] = await Promise.all([
    writtenAgent(livingSource, { world: 'agent' }),
    writtenAgent(sleeperSource, { world: 'async-handler' }),
  ]);
  living = new Uint8Array(one.bytes);
  sleeper = new Uint8Array(other.bytes);
});

const limits = { fuelMax: 10n ** 12n, deadlineMs: 60_000 };
const is = (how: string): string => `settings = { how = "${how}" }\n`;
const once = (atMs: number): string =>
  `[execution]\nmode = "scheduled"\n[[triggers]]\nat = "${new Date(atMs).toISOString()}"\n`;
const longAgo = Date.UTC(2001, 0, 1);

/** Every transition of every agent, as events tell of them. */
class Turns {
  readonly all: string[] = [];
  readonly #looks = new Set<() => void>();

  constructor(host: Hosted) {
    host.serving.subscribe('host.agent.*.state', undefined, ({ body }) => {
      const { agent, from, to } = JSON.parse(new TextDecoder().decode(body)) as Record<string, string>;
      this.all.push(`${agent}: ${from ?? '?'} > ${to}`);
      for (const look of this.#looks) look();
    });
  }

  /** Resolves once there was one that ends so. */
  until(last: string): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!this.all.some((one) => one.endsWith(last))) return;
        this.#looks.delete(look);
        resolve();
      };
      this.#looks.add(look);
      look();
    });
  }

  /** The way one agent took. */
  of(agent: string): readonly string[] {
    return this.all.filter((one) => one.startsWith(`${agent}: `)).map((one) => one.slice(agent.length + 2));
  }
}

type Act = (host: Hosted, name: string) => unknown;
const tell =
  (words: string): Act =>
  (host, name) =>
    void host.send(name, words);

/** How an agent comes to each state by real means. */
const ways: Readonly<Record<Exclude<LifecycleState, 'unreachable'>, readonly [toml: string, act: Act]>> = {
  created: ['', () => undefined],
  initializing: [is('slow-start'), tell('')],
  ready: ['', tell('')],
  running: ['', tell('spin')],
  waiting: ['', tell('')],
  suspended: ['', (host, name) => host.serving.handle(name).pause()],
  completed: ['[execution]\nmode = "ephemeral"\n', tell('')],
  failed: ['[delivery]\nattempts = 1\n', tell('trap')],
  terminating: [
    is('slow-stop'),
    async (host, name) => {
      await host.ask(name, '');
      await host.serving.handle(name).stop();
    },
  ],
  terminated: ['', (host, name) => host.serving.handle(name).kill()],
};

async function everybody(t: TestContext): Promise<Hosted> {
  const agents = Object.entries(ways).map(([state, [toml]]) =>
    state === 'waiting'
      ? localAgent(state, sleeper, toml, 'async-handler')
      : localAgent(state, living, toml, 'agent'),
  );
  return Hosted.start(t, temporaryState(t), agents, { limits });
}

test('an agent of a real host comes to each of the eleven states', options, async (t) => {
  const host = await everybody(t);
  const turns = new Turns(host);
  for (const [state, [, act]] of Object.entries(ways)) {
    await act(host, state);
    const reached = await host.serving.handle(state).wait({ states: [state as LifecycleState] });
    assert.equal(reached, state);
  }
  const { lifecycle } = await host.serving.status();
  for (const state of Object.keys(ways)) assert.ok(lifecycle[state as LifecycleState] > 0, state);
  const shown = await host.serving.agents(undefined, 20);
  for (const one of shown) assert.equal(one.lifecycle, one.name);
  await host.serving.endThread(1);
  await turns.until('ready: ? > unreachable');
  const told = new Set(turns.all.map((one) => one.split(' > ')[1]));
  for (const state of lifecycleStates.filter((one) => one !== 'created')) assert.ok(told.has(state), state);
});

test('every arrow of the first description is gone along for real', options, async (t) => {
  const greedy = '[resources]\nfuel-per-second = 1000000\nviolation = "suspend"\nviolations = 1\n';
  const agents = [
    localAgent('ann', living, greedy, 'agent'),
    localAgent('bob', living, is('unwilling'), 'agent'),
    localAgent('cid', living, '', 'agent'),
  ];
  const host = await Hosted.start(t, temporaryState(t), agents, { limits });
  const turns = new Turns(host);
  const [ann, bob, cid] = ['ann', 'bob', 'cid'].map((name) => host.serving.handle(name));
  assert.ok(ann !== undefined && bob !== undefined && cid !== undefined);
  // A task that is complete, and one that violates what is permitted until that is forgiven.
  await host.ask('cid', '');
  const asked = host.ask('ann', 'spin');
  assert.equal(await ann.wait({ states: ['suspended'] }), 'suspended');
  await ann.resume();
  await turns.until('ann: suspended > running');
  await ann.pause();
  await ann.kill();
  assert.equal(await asked, 'cancelled');
  await turns.until('ann: suspended > terminated');
  // A configuration that is not valid.
  assert.notEqual(await host.ask('bob', ''), '1');
  await bob.kill();
  await turns.until('bob: failed > terminated');
  await cid.stop();
  await turns.until('cid: terminating > terminated');
  const gone = new Set(turns.all.map((one) => one.split(': ')[1]));
  const arrows = [
    ...['created > initializing', 'initializing > ready', 'initializing > failed', 'ready > running'],
    ...['running > suspended', 'running > ready', 'suspended > running', 'suspended > terminated'],
    ...['ready > terminating', 'terminating > terminated', 'failed > terminated'],
  ];
  for (const arrow of arrows) assert.ok(gone.has(arrow), `${arrow} in ${[...gone].join(', ')}`);
  for (const arrow of gone) {
    const [from, to] = (arrow ?? '').split(' > ') as [LifecycleState, LifecycleState];
    assert.ok(transitions[from][to] !== undefined, `${arrow} is legal`);
  }
});

test('one that has one time and no other reason to be there has completed after it', options, async (t) => {
  const folder = temporaryState(t);
  const listener = `${once(longAgo)}[subscriptions]\n"a.b" = {}\n`;
  const agents = [
    localAgent('once', living, once(longAgo), 'agent'),
    localAgent('later', living, `${once(longAgo)}[[triggers]]\nat = "2090-01-01T00:00:00Z"\n`, 'agent'),
    localAgent('hears', living, listener, 'agent'),
  ];
  const host = await Hosted.start(t, folder, agents, { trust: { auditLevel: 'security' } });
  const one = host.serving.handle('once');
  assert.equal(await one.wait(), 'completed');
  await host.lines.until(/: had trigger\.at-1/, 3);
  for (const name of ['later', 'hears'])
    assert.equal(await host.serving.handle(name).wait({ states: ['ready'] }), 'ready');
  assert.equal((await host.serving.agent('once')).lifecycle, 'completed');
  // What somebody sends it all the same begins it anew, and it has completed again.
  const turns = new Turns(host);
  assert.equal(await host.ask('once', ''), '1');
  await turns.until('once: ready > completed');
  assert.deepEqual(turns.of('once'), [
    'completed > initializing',
    'initializing > ready',
    'ready > running',
    'running > ready',
    'ready > completed',
  ]);
  const events = (await host.serving.record?.events({}, 100)) ?? [];
  assert.ok(
    events.some((event) => JSON.stringify(event).includes('completed')),
    'it is on the audit chain',
  );
  await host.close(1_000);
  const second = await Hosted.start(t, folder, agents);
  assert.equal(await second.serving.handle('once').wait(), 'completed');
  assert.equal((await second.serving.agent('once')).handled, 0);
});
