import assert from 'node:assert/strict';
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import { after, test } from 'node:test';
import { Agent, type AgentNote } from '../../host/agent/agent.ts';
import { Dispatcher } from '../../host/agent/dispatcher.ts';
import { SpecMaker } from '../../host/agent/spec-maker.ts';
import { Delivery } from '../../host/bus/delivery.ts';
import { systemClock, systemRandom } from '../../host/clock.ts';
import { createEngine } from '../../host/engine/engine.ts';
import { InstancePools } from '../../host/engine/hibernation/instance-pools.ts';
import { Linker } from '../../host/engine/linker.ts';
import type { Limits } from '../../host/limits.ts';
import { parseManifest } from '../../host/manifest.ts';
import type { Outcome } from '../../host/outcome.ts';
import { channelNames } from '../../host/telemetry/channels.ts';
import { noGrants } from '../engine/wasi/preview2/grants.ts';
import { agentGuest } from '../support/agent-guest.ts';

const engine = createEngine({ cacheFolder: undefined, clock: systemClock, pools: new InstancePools() });
after(() => engine.close());
const component = await agentGuest('ann');
const linker = new Linker().define('motehost:agent/log@0.1.0', {
  functions: { write: () => {}, enabled: () => true },
  suspending: new Set(),
});

interface Stage {
  readonly agent: Agent;
  readonly notes: AgentNote[];
  /** Hands it a message; what came of it. */
  ask(body: string, untilMs?: number): Promise<string>;
}

async function stage(limits: Partial<Limits> = {}, policy = 'always'): Promise<Stage> {
  const maker = new SpecMaker({ prepare: (bytes) => engine.prepare(bytes), limits, secret: () => '' });
  const manifest = parseManifest(
    `name = "ann"\nworld = "agent"\n[restart]\npolicy = "${policy}"\nbackoff = "1ms"`,
    'agent.toml',
  );
  const spec = await maker.make(manifest, 'agent.toml', component);
  const notes: AgentNote[] = [];
  const timers = new Map<number, NodeJS.Timeout>();
  const dispatcher = new Dispatcher({
    run: () => {},
    activeMax: 1,
    turnMsMax: 1,
    nowMs: () => systemClock.monotonicMs(),
    isPending: () => true,
  });
  let heard = (_outcome: Outcome<Uint8Array | undefined>): void => {};
  const agent: Agent = new Agent(1, 'ann', spec, {
    clock: systemClock,
    random: systemRandom,
    turn: dispatcher,
    launch: async (_agent, saved, budget) => ({
      resident:
        saved?.kind === 'warm'
          ? await engine.wake(spec.program, saved.snapshot, linker, budget, noGrants)
          : await engine.enter(spec.program, linker, budget, noGrants),
      isWoken: saved !== undefined,
    }),
    idle: () => {},
    busy: () => {},
    kept: () => {},
    released: () => {},
    arm: (one, atMs) => {
      const timer = timers.size + 1;
      timers.set(
        timer,
        setTimeout(() => one.overdue(), atMs - systemClock.monotonicMs()),
      );
      return timer;
    },
    disarm: (timer) => clearTimeout(timers.get(timer)),
    stopped: () => {},
    handled: (_agent, _delivery, outcome) => heard(outcome),
    ready: () => undefined,
    hasWork: () => false,
    rested: () => undefined,
    discard: () => undefined,
    record: () => undefined,
    hold: () => undefined,
    release: () => undefined,
    turned: () => undefined,
    note: (_agent, note) => void notes.push(note),
  });
  const ask = (body: string, untilMs = Number.POSITIVE_INFINITY): Promise<string> => {
    const outcome = new Promise<Outcome<Uint8Array | undefined>>((resolve) => {
      heard = resolve;
    });
    agent.handle(deliveryOf(body, untilMs));
    return outcome.then(wordsOf);
  };
  return { agent, notes, ask };
}

function deliveryOf(body: string, untilMs: number): Delivery {
  const message = {
    id: 'm-1',
    subject: 'agent.ann',
    sender: undefined,
    replyTo: undefined,
    sentAtNs: 0n,
    deadlineNs: undefined,
    attempt: 1,
    contentType: undefined,
    headers: [],
    body: Buffer.from(body),
  };
  return new Delivery(message, 1, 0, 'at-most-once', 0, 0, 0, untilMs);
}

/** The answer, or what came instead. */
function wordsOf(outcome: Outcome<Uint8Array | undefined>): string {
  if (outcome.kind === 'ok') return Buffer.from(outcome.value ?? []).toString();
  return outcome.kind === 'limit' ? `${outcome.kind} ${outcome.limit}` : outcome.kind;
}

test('an agent handles one message after the other in one instance; after a trap the next has a new one', async () => {
  const { agent, ask, notes } = await stage();
  assert.equal(await ask(''), 'ann1');
  assert.equal(await ask(''), 'ann2');
  assert.equal(await ask('t'), 'trap');
  assert.equal(agent.phase, 'absent');
  assert.match(await ask(''), /^ann1/);
  assert.deepEqual([agent.handled, agent.failed, agent.phase], [4, 1, 'idle']);
  assert.deepEqual(
    notes.map(({ kind }) => kind),
    ['started', 'ended', 'started'],
  );
});

test('after a trap an agent that is never started again refuses, until it is replaced', async () => {
  const { agent, ask } = await stage({}, 'never');
  assert.equal(await ask(''), 'ann1');
  assert.equal(await ask('t'), 'trap');
  assert.deepEqual([await ask(''), agent.phase], ['error', 'stopped']);
  agent.replace(agent.spec);
  assert.match(await ask(''), /^ann1/);
});

test('on-failure: after a trap an agent begins anew', async () => {
  const { ask } = await stage({}, 'on-failure');
  assert.equal(await ask('t'), 'trap');
  assert.match(await ask(''), /^ann1/);
});

test('a message whose time is over is not handled; one whose time ends while it is handled is stopped', async () => {
  const { agent, ask } = await stage();
  assert.equal(await ask('', systemClock.monotonicMs() - 1), 'limit deadlineMs');
  assert.equal(agent.handled, 0);
  assert.equal(await ask(''), 'ann1');
  assert.equal(await ask('', systemClock.monotonicMs() - 1), 'limit deadlineMs');
  assert.equal(await ask('s', systemClock.monotonicMs() + 20), 'limit deadlineMs');
  assert.match(await ask(''), /^ann1/);
});

test('a call that is given up ends, and whoever waits for quiet hears of it after that', async () => {
  const { agent, ask } = await stage();
  await ask('');
  const endless = ask('s');
  let isQuiet = false;
  const quiet = agent.settled().then(() => {
    isQuiet = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isQuiet, false);
  agent.stop({ kind: 'cancelled', reason: 'the asker gave up' });
  assert.equal(await endless, 'cancelled');
  await quiet;
  assert.equal(agent.delivery, undefined);
});

test('fuel is counted to the unit, whether a call takes one slice or many', async () => {
  const { agent, ask } = await stage({ fuelMax: 50_000_000n });
  await ask('');
  const before = agent.fuel;
  await ask('');
  const once = agent.fuel - before;
  await ask('');
  assert.equal(agent.fuel - before, 2n * once);
  assert.ok(once > 0n && once < 10_000n, `${once} units for a short call`);
  assert.equal(await ask('s'), 'limit fuelMax');
});

test('beginning and end of a message, sleep and waking are told to whoever listens, and to nobody else', async () => {
  const { agent, ask } = await stage();
  const told: unknown[] = [];
  const names = Object.values(channelNames);
  const listener = (message: unknown, name: string | symbol): void => {
    told.push([name, (message as { agent: string }).agent]);
  };
  await ask('');
  assert.ok(names.every((name) => !channel(name).hasSubscribers));
  for (const name of names) subscribe(name, listener);
  await ask('');
  await agent.hibernate();
  await ask('');
  for (const name of names) unsubscribe(name, listener);
  await ask('');
  assert.deepEqual(told, [
    [channelNames.invocationStart, 'ann'],
    [channelNames.invocationEnd, 'ann'],
    [channelNames.hibernate, 'ann'],
    [channelNames.invocationStart, 'ann'],
    [channelNames.wake, 'ann'],
    [channelNames.invocationEnd, 'ann'],
  ]);
});
