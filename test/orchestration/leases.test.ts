import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type KeptLease, type Lease, type LeaseStore, Leases } from '../../host/orchestration/leases.ts';
import { fc } from '../support/properties.ts';
import { Stage, settle } from './parts.ts';

/** What a disk has: it survives every `Leases`. */
class Disk implements LeaseStore {
  readonly #leases = new Map<string, KeptLease>();
  reserved = 0;

  get leases(): readonly KeptLease[] {
    return [...this.#leases.values()];
  }

  put(lease: KeptLease): void {
    this.#leases.set(lease.name, lease);
  }

  remove(name: string): void {
    this.#leases.delete(name);
  }

  reserve(token: number): void {
    this.reserved = token;
  }

  /** What power loss may take: everything but what was reserved. */
  lose(): void {
    this.#leases.clear();
  }
}

const names = ['door', 'desk'];
const holders = ['ada', 'bob', 'cyd'];
const step = fc.oneof(
  fc.record({
    acquire: fc.constantFrom(...names),
    by: fc.constantFrom(...holders),
    ttl: fc.integer({ min: 10, max: 500 }),
  }),
  fc.record({ renew: fc.nat(9), ttl: fc.integer({ min: 10, max: 500 }) }),
  fc.record({ release: fc.nat(9) }),
  fc.record({ gone: fc.constantFrom(...holders) }),
  fc.record({ turn: fc.nat(300) }),
  fc.constantFrom('restart' as const, 'power loss'),
);

test('one holder at a time, tokens only grow, and all as a table with times says, restarts included', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 120 }), async (steps) => {
      const stage = new Stage();
      const disk = new Disk();
      const begin = (): Leases =>
        new Leases({ clock: stage.clock, wheel: stage.wheel, waits: stage.waits, store: disk });
      let leases = begin();
      let model = new Map<string, { token: number; holder: string; untilMs: number }>();
      const given: Lease[] = [];
      let last = 0;
      for (const each of steps) {
        const nowMs = stage.clock.monotonicMs();
        for (const [name, held] of model) if (nowMs >= held.untilMs) model.delete(name);
        if (each === 'restart' || each === 'power loss') {
          stage.wheel.stop();
          if (each === 'power loss') {
            disk.lose();
            model = new Map();
          }
          leases = begin();
        } else if ('acquire' in each) {
          const lease = leases.tryAcquire(each.acquire, each.by, each.ttl);
          assert.equal(lease === 'held', model.has(each.acquire));
          if (typeof lease === 'string') continue;
          assert.ok(lease.token > last, `${lease.token} after ${last}`);
          last = lease.token;
          given.push(lease);
          model.set(each.acquire, { token: lease.token, holder: each.by, untilMs: nowMs + each.ttl });
        } else if ('renew' in each) {
          const lease = given.at(-1 - each.renew);
          if (lease === undefined) continue;
          const held = model.get(lease.name);
          const isHeld = held?.token === lease.token;
          const renewed = leases.renew(lease.name, lease.token, each.ttl);
          assert.equal(renewed !== 'lost', isHeld);
          if (isHeld) held.untilMs = nowMs + each.ttl;
        } else if ('release' in each) {
          const lease = given.at(-1 - each.release);
          if (lease === undefined) continue;
          const isHeld = model.get(lease.name)?.token === lease.token;
          assert.equal(leases.release(lease.name, lease.token), isHeld);
          if (isHeld) model.delete(lease.name);
        } else if ('gone' in each) {
          leases.endOf(each.gone);
          for (const [name, held] of model) if (held.holder === each.gone) model.delete(name);
        } else await stage.turn(each.turn);
        const now = stage.clock.monotonicMs();
        for (const name of names) {
          const held = model.get(name);
          const isHeld = held !== undefined && now < held.untilMs;
          assert.equal(leases.get(name)?.token, isHeld ? held.token : undefined);
        }
      }
    }),
  );
});

test('who waits for a lease has it as soon as its holder lets go or its time is over, the first first', async () => {
  const stage = new Stage();
  const ended: string[] = [];
  const leases = new Leases({
    clock: stage.clock,
    wheel: stage.wheel,
    waits: stage.waits,
    onEnd: ({ name, holder }, end) => ended.push(`${holder} ${name} ${end}`),
  });
  const first = leases.tryAcquire('door', 'ada', 100) as Lease;
  const got: string[] = [];
  for (const holder of ['bob', 'cyd', 'dan'])
    void leases
      .acquire('door', holder, 100, 400)
      .then((lease) => got.push(typeof lease === 'string' ? `${holder} ${lease}` : `${holder} has it`));
  await settle();
  leases.release('door', first.token);
  assert.equal(leases.tryAcquire('door', 'eve', 100), 'held');
  await settle();
  assert.deepEqual(got, ['bob has it']);
  await stage.turn(104);
  assert.deepEqual(got, ['bob has it', 'cyd has it']);
  leases.renew('door', leases.get('door')?.token ?? 0, 1000);
  await stage.turn(404);
  assert.deepEqual(got, ['bob has it', 'cyd has it', 'dan held']);
  assert.deepEqual(ended, ['ada door released', 'bob door expired']);
});

test('the turn of one who has gone meanwhile goes to the next', async () => {
  const stage = new Stage();
  const leases = new Leases({ clock: stage.clock, wheel: stage.wheel, waits: stage.waits });
  const first = leases.tryAcquire('door', 'ada', 1000) as Lease;
  const gone = new AbortController();
  const bob = leases.acquire('door', 'bob', 1000, 5000, gone.signal);
  const cyd = leases.acquire('door', 'cyd', 1000, 5000);
  leases.release('door', first.token);
  gone.abort();
  assert.equal(await bob, 'cancelled');
  const lease = await cyd;
  assert.ok(typeof lease !== 'string' && lease.holder === 'cyd' && lease.token > first.token);
});

test('what expired while the host was away has expired, and is told', async () => {
  const stage = new Stage();
  const disk = new Disk();
  const before = new Leases({ clock: stage.clock, wheel: stage.wheel, waits: stage.waits, store: disk });
  before.tryAcquire('door', 'ada', 100);
  before.tryAcquire('desk', 'ada', 10_000);
  stage.wheel.stop();
  stage.clock.turn(5000);
  const ended: string[] = [];
  const after = new Leases({
    clock: stage.clock,
    wheel: stage.wheel,
    waits: stage.waits,
    store: disk,
    onEnd: ({ name }, end) => ended.push(`${name} ${end}`),
  });
  await stage.turn(8);
  assert.deepEqual(ended, ['door expired']);
  assert.equal(after.get('desk')?.holder, 'ada');
});
