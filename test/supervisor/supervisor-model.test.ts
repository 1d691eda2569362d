import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RestartClass } from '../../host/supervisor/child-spec.ts';
import type { Strategy } from '../../host/supervisor/strategy.ts';
import { Supervisor } from '../../host/supervisor/supervisor.ts';
import { fc } from '../support/properties.ts';
import { Nursery } from './nursery.ts';

interface Plan {
  readonly strategy: Strategy;
  readonly classes: readonly RestartClass[];
  readonly restartsMax: number;
  readonly pauseMs: number;
}

type Step =
  | { readonly kind: 'fail' | 'exit' | 'take-for-failed' | 'remove'; readonly child: number }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'fail-to-start'; readonly child: number };

const periodMs = 1_000;

/** What a supervisor does, as a list that is gone through: no waiting, no turns, nothing at the same time. */
class NaiveSupervisor {
  readonly plan: Plan;
  nowMs = 0;
  said: string[] = [];
  list: { id: string; restart: RestartClass; isUp: boolean; dueMs: number; place: number }[];
  #place = 0;
  readonly failing = new Set<string>();
  restarts: number[] = [];
  hasEnded = false;

  constructor(plan: Plan) {
    this.plan = plan;
    this.list = plan.classes.map((restart, at) => ({
      id: nameOf(at),
      restart,
      isUp: true,
      dueMs: -1,
      place: 0,
    }));
  }

  step(step: Step): void {
    if (step.kind === 'pass') {
      const untilMs = this.nowMs + step.ms;
      for (;;) {
        const dues = this.list.map(({ dueMs }) => dueMs).filter((dueMs) => dueMs >= 0 && dueMs <= untilMs);
        if (dues.length === 0) break;
        this.nowMs = Math.min(...dues);
        const due = this.list.filter(({ dueMs }) => dueMs === this.nowMs);
        // Several may be due at once where each is on its own; in a strategy with siblings they are one group.
        const byFailure = due.toSorted((a, b) => a.place - b.place);
        if (this.plan.strategy === 'one-for-one') for (const one of byFailure) this.start([one]);
        else this.start(due);
      }
      this.nowMs = untilMs;
      return;
    }
    const id = nameOf(step.child);
    if (step.kind === 'fail-to-start') return void this.failing.add(id);
    const one = this.list.find((each) => each.id === id);
    if (one === undefined) return;
    if (step.kind === 'remove') {
      if (one.isUp) this.said.push(`-${id}`);
      this.list = this.list.filter((each) => each !== one);
    } else if (one.isUp) {
      const isFailure = step.kind !== 'exit';
      if (step.kind !== 'take-for-failed') one.isUp = false;
      if (one.restart === 'temporary') {
        if (one.isUp) this.said.push(`-${id}`);
        this.list = this.list.filter((each) => each !== one);
      } else if (one.restart === 'permanent' || isFailure) this.recover(id);
    }
  }

  recover(id: string): void {
    this.restarts = [...this.restarts.filter((atMs) => this.nowMs - atMs <= periodMs), this.nowMs];
    const { strategy, restartsMax, pauseMs } = this.plan;
    const at = this.list.findIndex((each) => each.id === id);
    if (this.restarts.length > restartsMax) {
      this.stop(this.list);
      for (const one of this.list) one.dueMs = -1;
      this.hasEnded = true;
      return;
    }
    const affected =
      strategy === 'one-for-one'
        ? [this.list[at]]
        : strategy === 'one-for-all'
          ? this.list
          : this.list.slice(at);
    const some = affected.filter((one) => one !== undefined);
    this.stop(some);
    this.list = this.list.filter((one) => !(some.includes(one) && one.restart === 'temporary'));
    const back = some.filter((one) => this.list.includes(one));
    if (pauseMs === 0) this.start(back);
    else for (const one of back) Object.assign(one, { dueMs: this.nowMs + pauseMs, place: ++this.#place });
  }

  stop(some: typeof this.list): void {
    for (const one of [...some].reverse()) {
      if (one.isUp) this.said.push(`-${one.id}`);
      one.isUp = false;
    }
  }

  start(some: typeof this.list): void {
    for (const one of some) one.dueMs = -1;
    for (const one of some) {
      if (this.failing.delete(one.id)) {
        this.said.push(`?${one.id}`);
        this.recover(one.id);
        return;
      }
      this.said.push(`+${one.id}`);
      one.isUp = true;
    }
  }
}

function nameOf(at: number): string {
  return String.fromCharCode(97 + at);
}

const plans: fc.Arbitrary<Plan> = fc.record({
  strategy: fc.constantFrom<Strategy>('one-for-one', 'one-for-all', 'rest-for-one'),
  classes: fc.array(fc.constantFrom<RestartClass>('permanent', 'permanent', 'transient', 'temporary'), {
    minLength: 1,
    maxLength: 5,
  }),
  restartsMax: fc.integer({ min: 0, max: 6 }),
  pauseMs: fc.constantFrom(0, 0, 70),
});
const child = fc.integer({ min: 0, max: 4 });
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('fail' as const), child }) },
  fc.record({ kind: fc.constantFrom('exit', 'take-for-failed', 'remove', 'fail-to-start'), child }),
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 900 }) }),
  },
);

async function take(nursery: Nursery, supervisor: Supervisor, step: Step): Promise<void> {
  if (step.kind === 'pass') await nursery.clock.pass(step.ms);
  else {
    const id = nameOf(step.child);
    if (step.kind === 'fail') nursery.end(id);
    if (step.kind === 'exit') nursery.end(id, { kind: 'normal' });
    if (step.kind === 'take-for-failed') await supervisor.fail(id, 'it is taken for failed');
    if (step.kind === 'remove') await supervisor.remove(id);
    if (step.kind === 'fail-to-start') nursery.failing.set(id, 1);
  }
  await nursery.clock.pass(0);
  await supervisor.settled();
}

test('whatever happens, it does what a list that is gone through would', async () => {
  await fc.assert(
    fc.asyncProperty(plans, fc.array(steps, { maxLength: 25 }), async (plan, all) => {
      const nursery = new Nursery();
      const { pauseMs, restartsMax, strategy } = plan;
      const backoff = {
        kind: 'fixed',
        firstMs: pauseMs,
        msMax: 1e6,
        multiplier: 1,
        jitter: 0,
        free: 0,
      } as const;
      const children = plan.classes.map((restart, at) => nursery.spec(nameOf(at), { restart, backoff }));
      const supervisor = new Supervisor(
        { name: 'top', strategy, intensity: { restartsMax, periodMs }, children },
        nursery.rooms,
      );
      await supervisor.start();
      nursery.heard();
      const model = new NaiveSupervisor(plan);
      for (const step of all) {
        await take(nursery, supervisor, step);
        model.step(step);
        assert.equal(nursery.heard(), model.said.splice(0).join(' '), JSON.stringify(step));
        assert.equal(supervisor.isUp, !model.hasEnded);
        assert.deepEqual(
          supervisor.children.map(({ id, state }) => `${id} ${state === 'up'}`),
          model.list.map(({ id, isUp }) => `${id} ${isUp}`),
        );
      }
    }),
    { numRuns: 300 },
  );
});
