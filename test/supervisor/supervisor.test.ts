import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChildSpec } from '../../host/supervisor/child-spec.ts';
import { restartClassNamed } from '../../host/supervisor/child-spec.ts';
import type { Intensity } from '../../host/supervisor/restart-window.ts';
import type { Strategy } from '../../host/supervisor/strategy.ts';
import { subtree } from '../../host/supervisor/subtree.ts';
import { Supervisor } from '../../host/supervisor/supervisor.ts';
import { Nursery } from './nursery.ts';

const often: Intensity = { restartsMax: 100, periodMs: 1_000 };

async function supervise(
  nursery: Nursery,
  strategy: Strategy,
  children: readonly ChildSpec[],
  intensity: Intensity = often,
): Promise<Supervisor> {
  const supervisor = new Supervisor({ name: 'top', strategy, intensity, children }, nursery.rooms);
  await supervisor.start();
  return supervisor;
}

async function settle(nursery: Nursery, supervisor: Supervisor): Promise<string> {
  await nursery.clock.pass(0);
  await supervisor.settled();
  return nursery.heard();
}

test('children are started in their order and stopped in the other', async () => {
  const nursery = new Nursery();
  const supervisor = await supervise(nursery, 'one-for-one', nursery.specs('abc'));
  assert.equal(nursery.heard(), '+a +b +c');
  supervisor.stop();
  assert.deepEqual(await supervisor.ended, { kind: 'shutdown' });
  assert.equal(nursery.heard(), '-c -b -a');
});

test('one-for-one starts again the one that ended', async () => {
  const nursery = new Nursery();
  const supervisor = await supervise(nursery, 'one-for-one', nursery.specs('abcd'));
  nursery.heard();
  nursery.end('b');
  assert.equal(await settle(nursery, supervisor), '+b');
});

test('one-for-all stops the siblings, the last one first, and starts all in order', async () => {
  const nursery = new Nursery();
  const supervisor = await supervise(nursery, 'one-for-all', nursery.specs('abcd'));
  nursery.heard();
  nursery.end('b');
  assert.equal(await settle(nursery, supervisor), '-d -c -a +a +b +c +d');
});

test('rest-for-one stops those after it, the last one first, and starts it and them in order', async () => {
  const nursery = new Nursery();
  const supervisor = await supervise(nursery, 'rest-for-one', nursery.specs('abcd'));
  nursery.heard();
  nursery.end('b');
  assert.equal(await settle(nursery, supervisor), '-d -c +b +c +d');
});

test('simple-one-for-one has children that come and go, each started again alone', async () => {
  const nursery = new Nursery();
  const supervisor = await supervise(nursery, 'simple-one-for-one', []);
  for (const id of 'abc') await supervisor.add(nursery.spec(id));
  nursery.end('b');
  assert.equal(await settle(nursery, supervisor), '+a +b +c +b');
  assert.equal(await supervisor.remove('a'), true);
  assert.equal(await supervisor.remove('a'), false);
  await assert.rejects(supervisor.add(nursery.spec('b')), { code: 'HOST_ERR_CONFIG_INVALID' });
  assert.deepEqual(
    supervisor.children.map(({ id, state, restarts }) => [id, state, restarts]),
    [
      ['b', 'up', 1],
      ['c', 'up', 0],
    ],
  );
});

for (const [restart, normal, failure] of [
  ['permanent', '+a', '+a'],
  ['transient', '', '+a'],
  ['temporary', '', ''],
] as const)
  test(`a ${restart} child that ends in good order, is shut down, or fails`, async () => {
    for (const [exit, expected] of [
      [{ kind: 'normal' }, normal],
      [{ kind: 'shutdown' }, normal],
      [{ kind: 'failed', why: 'it broke' }, failure],
    ] as const) {
      const nursery = new Nursery();
      const supervisor = await supervise(nursery, 'one-for-one', [nursery.spec('a', { restart })]);
      nursery.heard();
      nursery.end('a', exit);
      assert.equal(await settle(nursery, supervisor), expected, exit.kind);
      assert.equal(supervisor.children.length, restart === 'temporary' ? 0 : 1);
    }
  });

test('the classes have the names of OTP and those of other systems', () => {
  assert.deepEqual(
    ['Always', 'OnFailure', 'Never', 'on-failure', 'transient', 'sometimes'].map(restartClassNamed),
    ['permanent', 'transient', 'temporary', 'transient', 'transient', undefined],
  );
});

test('a temporary sibling goes down with the others and does not come back; its own end concerns nobody', async () => {
  const nursery = new Nursery();
  const children = [nursery.spec('a'), nursery.spec('b', { restart: 'temporary' }), nursery.spec('c')];
  const supervisor = await supervise(nursery, 'one-for-all', children);
  nursery.heard();
  nursery.end('c');
  assert.equal(await settle(nursery, supervisor), '-b -a +a +c');
  const other = new Nursery();
  const second = await supervise(other, 'one-for-all', [
    other.spec('a'),
    other.spec('b', { restart: 'temporary' }),
  ]);
  other.heard();
  other.end('b');
  assert.equal(await settle(other, second), '');
});

test('so many restarts in a period are borne, one more is not, and older ones do not count', async () => {
  const nursery = new Nursery();
  const intensity = { restartsMax: 2, periodMs: 1_000 };
  const supervisor = await supervise(nursery, 'one-for-one', nursery.specs('ab'), intensity);
  nursery.heard();
  for (const atMs of [0, 600]) {
    await nursery.clock.pass(atMs);
    nursery.end('a');
    assert.equal(await settle(nursery, supervisor), '+a');
  }
  await nursery.clock.pass(401);
  nursery.end('a');
  assert.equal(await settle(nursery, supervisor), '+a');
  await nursery.clock.pass(599);
  nursery.end('b');
  assert.equal(await settle(nursery, supervisor), '-a');
  const exit = await supervisor.ended;
  assert.equal(exit.kind, 'failed');
  assert.match(exit.why, /more than 2 restarts in 1000 ms, the last for b: it broke/);
  assert.equal(nursery.notes.at(-1)?.kind, 'escalated');
});

test('a supervisor of no restarts escalates at the first', async () => {
  const nursery = new Nursery();
  const supervisor = await supervise(nursery, 'one-for-one', nursery.specs('abc'), {
    restartsMax: 0,
    periodMs: 1_000,
  });
  nursery.heard();
  nursery.end('a');
  assert.equal(await settle(nursery, supervisor), '-c -b');
  assert.equal((await supervisor.ended).kind, 'failed');
});

test('a child that cannot be started again counts as ended, until it can or that is too often', async () => {
  const nursery = new Nursery();
  const supervisor = await supervise(nursery, 'rest-for-one', nursery.specs('abc'));
  nursery.heard();
  nursery.failing.set('b', 2);
  nursery.end('b');
  assert.equal(await settle(nursery, supervisor), '-c ?b ?b +b +c');
  nursery.failing.set('b', 1_000);
  nursery.end('b');
  const heard = await settle(nursery, supervisor);
  assert.equal((await supervisor.ended).kind, 'failed');
  assert.equal(heard, `-c ${'?b '.repeat(97)}-a`);
});

test('a supervisor whose child cannot be started at first stops the others and does not start', async () => {
  const nursery = new Nursery();
  nursery.failing.set('c', 1);
  await assert.rejects(supervise(nursery, 'one-for-one', nursery.specs('abcd')), {
    code: 'HOST_ERR_SUPERVISOR_START',
  });
  assert.equal(nursery.heard(), '+a +b ?c -b -a');
});

test('a child that does not end in good order within its time is killed; with no time, at once', async () => {
  const nursery = new Nursery();
  nursery.stubborn.add('b');
  const children = [
    nursery.spec('a', { shutdownMs: 0 }),
    nursery.spec('b', { shutdownMs: 500 }),
    nursery.spec('c'),
  ];
  const supervisor = await supervise(nursery, 'one-for-one', children);
  nursery.heard();
  supervisor.stop();
  await nursery.clock.pass(499);
  assert.equal(nursery.heard(), '-c -b');
  await nursery.clock.pass(1);
  assert.equal(nursery.heard(), '!b !a');
  await supervisor.ended;
  assert.deepEqual(
    nursery.notes.slice(-3).map(({ kind }) => kind),
    ['stopped', 'killed', 'killed'],
  );
});

test('a start that takes too long has failed, and what comes of it later is killed', async () => {
  const nursery = new Nursery();
  const coming = Promise.withResolvers<void>();
  const slow = nursery.spec('a', { startMsMax: 1_000 });
  const start = () => coming.promise.then(slow.start);
  const supervisor = new Supervisor(
    { name: 'top', strategy: 'one-for-one', intensity: often, children: [{ ...slow, start }] },
    nursery.rooms,
  );
  const started = assert.rejects(supervisor.start(), /did not start within 1000 ms/);
  await nursery.clock.pass(1_000);
  await started;
  coming.resolve();
  await nursery.clock.pass(0);
  assert.equal(nursery.heard(), '+a !a');
});

test('a pause before a restart grows, and siblings are down meanwhile only where the strategy says so', async () => {
  const backoff = { kind: 'linear', firstMs: 100, msMax: 250, multiplier: 1, jitter: 0, free: 0 } as const;
  const nursery = new Nursery();
  const intensity = { restartsMax: 10, periodMs: 10_000 };
  const supervisor = await supervise(nursery, 'rest-for-one', nursery.specs('abc', { backoff }), intensity);
  nursery.heard();
  nursery.end('b');
  assert.equal(await settle(nursery, supervisor), '-c');
  assert.deepEqual(
    supervisor.children.map(({ state }) => state),
    ['up', 'waiting', 'waiting'],
  );
  await nursery.clock.pass(99);
  assert.equal(nursery.heard(), '');
  await nursery.clock.pass(1);
  assert.equal(await settle(nursery, supervisor), '+b +c');
  nursery.end('b');
  await nursery.clock.pass(200);
  assert.equal(await settle(nursery, supervisor), '-c +b +c');
  nursery.end('b');
  await nursery.clock.pass(250);
  assert.equal(await settle(nursery, supervisor), '-c +b +c');
});

test('an earlier child that ends while later ones wait takes their restart over', async () => {
  const backoff = { kind: 'fixed', firstMs: 100, msMax: 100, multiplier: 1, jitter: 0, free: 0 } as const;
  const nursery = new Nursery();
  const supervisor = await supervise(nursery, 'rest-for-one', nursery.specs('abc', { backoff }));
  nursery.heard();
  nursery.end('c');
  await nursery.clock.pass(60);
  nursery.end('a');
  await nursery.clock.pass(60);
  assert.equal(await settle(nursery, supervisor), '-b');
  await nursery.clock.pass(40);
  assert.equal(await settle(nursery, supervisor), '+a +b +c');
});

test('what is removed while it waits does not come back; its siblings do', async () => {
  const backoff = { kind: 'fixed', firstMs: 100, msMax: 100, multiplier: 1, jitter: 0, free: 0 } as const;
  const nursery = new Nursery();
  const supervisor = await supervise(nursery, 'one-for-all', nursery.specs('abc', { backoff }));
  nursery.heard();
  nursery.end('a');
  assert.equal(await settle(nursery, supervisor), '-c -b');
  await supervisor.remove('b');
  await nursery.clock.pass(100);
  assert.equal(await settle(nursery, supervisor), '+a +c');
});

test('a supervisor that is stopped while children wait starts none of them', async () => {
  const backoff = { kind: 'fixed', firstMs: 100, msMax: 100, multiplier: 1, jitter: 0, free: 0 } as const;
  const nursery = new Nursery();
  const supervisor = await supervise(nursery, 'one-for-one', nursery.specs('abc', { backoff }));
  nursery.heard();
  nursery.end('b');
  await settle(nursery, supervisor);
  supervisor.stop();
  await supervisor.ended;
  await nursery.clock.pass(1_000);
  assert.equal(nursery.heard(), '-c -a');
  assert.equal(nursery.clock.waiting, 0);
});

test('a subtree that gave up is started again as a whole by its parent, and the parent gives up in its turn', async () => {
  const nursery = new Nursery();
  const inner = {
    name: 'inner',
    strategy: 'one-for-one' as const,
    intensity: { restartsMax: 1, periodMs: 1_000 },
    children: nursery.specs('xy'),
  };
  const children = [nursery.spec('a'), subtree(inner, nursery.rooms), nursery.spec('b')];
  const supervisor = await supervise(nursery, 'rest-for-one', children, {
    restartsMax: 1,
    periodMs: 1_000,
  });
  assert.equal(nursery.heard(), '+a +x +y +b');
  nursery.end('x');
  assert.equal(await settle(nursery, supervisor), '+x');
  nursery.end('y');
  assert.equal(await settle(nursery, supervisor), '-x -b +x +y +b');
  nursery.end('x');
  nursery.end('y');
  assert.equal(await settle(nursery, supervisor), '+x -x -b -a');
  assert.match(JSON.stringify(await supervisor.ended), /the last for inner: more than 1 restarts/);
});

test('a tree is stopped in the reverse order, however deep', async () => {
  const nursery = new Nursery();
  const tree = (name: string, ids: string, deeper: readonly ChildSpec[]): ChildSpec =>
    subtree(
      {
        name,
        strategy: 'one-for-one',
        intensity: often,
        children: [...nursery.specs(ids), ...deeper],
      },
      nursery.rooms,
    );
  const children = [tree('left', 'ab', [tree('deep', 'cd', [])]), tree('right', 'ef', [])];
  const supervisor = await supervise(nursery, 'one-for-all', children);
  assert.equal(nursery.heard(), '+a +b +c +d +e +f');
  supervisor.stop();
  await supervisor.ended;
  assert.equal(nursery.heard(), '-f -e -d -c -b -a');
});

test('a child that is taken for failed is stopped in its turn, and started again as if it had been', async () => {
  const nursery = new Nursery();
  const supervisor = await supervise(nursery, 'rest-for-one', nursery.specs('abc'));
  nursery.heard();
  assert.equal(await supervisor.fail('b', 'it does not answer'), true);
  assert.equal(await settle(nursery, supervisor), '-c -b +b +c');
  assert.equal(await supervisor.fail('z', 'nobody'), false);
  assert.equal(supervisor.children[1]?.lastExit, 'it does not answer');
});
