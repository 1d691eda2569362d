import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CircuitBreaker, type CircuitRules } from '../../host/supervisor/circuit-breaker.ts';
import { fc } from '../support/properties.ts';

const rules: CircuitRules = { failuresMax: 3, openMs: 1_000, probesMax: 2, successesMin: 2 };

function breaker() {
  const now = { ms: 0 };
  const turns: string[] = [];
  return {
    now,
    turns,
    circuit: new CircuitBreaker(
      rules,
      () => now.ms,
      (state) => turns.push(state),
    ),
  };
}

test('so many failures in a row open it, a success between begins the count anew', () => {
  const { circuit, turns } = breaker();
  for (const isWell of [false, false, true, false, false]) circuit.ended(circuit.admit(), isWell);
  assert.equal(circuit.state, 'closed');
  circuit.ended(circuit.admit(), undefined);
  circuit.ended(circuit.admit(), false);
  assert.equal(circuit.state, 'open');
  assert.deepEqual(turns, ['open']);
});

test('an open one turns everybody away for its time, and then lets a bounded number through', () => {
  const { circuit, now, turns } = breaker();
  for (let at = 0; at < 3; at += 1) circuit.ended(circuit.admit(), false);
  now.ms = 999;
  assert.equal(circuit.admit(), 0);
  assert.equal(circuit.leftMs, 1);
  now.ms = 1_000;
  const probes = [circuit.admit(), circuit.admit(), circuit.admit()];
  assert.deepEqual(
    probes.map((permit) => permit > 0),
    [true, true, false],
  );
  circuit.ended(probes[0] ?? 0, true);
  assert.equal(circuit.state, 'half-open');
  assert.ok(circuit.admit() > 0);
  circuit.ended(probes[1] ?? 0, true);
  assert.deepEqual(turns, ['open', 'half-open', 'closed']);
});

test('one probe that fails opens it again for its whole time', () => {
  const { circuit, now } = breaker();
  for (let at = 0; at < 3; at += 1) circuit.ended(circuit.admit(), false);
  now.ms = 1_500;
  circuit.ended(circuit.admit(), false);
  assert.equal(circuit.state, 'open');
  now.ms = 2_499;
  assert.equal(circuit.admit(), 0);
  now.ms = 2_500;
  assert.ok(circuit.admit() > 0);
});

test('what began before a change says nothing of the state after it', () => {
  const { circuit, now } = breaker();
  const early = circuit.admit();
  for (let at = 0; at < 3; at += 1) circuit.ended(circuit.admit(), false);
  now.ms = 1_000;
  const probe = circuit.admit();
  circuit.ended(early, false);
  assert.equal(circuit.state, 'half-open');
  circuit.ended(early, true);
  circuit.ended(probe, true);
  assert.equal(circuit.state, 'half-open');
});

test('whatever happens, no more than the probes are under way unless it is closed', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('admit' as const) }),
    fc.record({
      kind: fc.constant('end' as const),
      at: fc.nat(),
      isWell: fc.option(fc.boolean(), { nil: undefined }),
    }),
    fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 1_500 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const { circuit, now } = breaker();
      let underWay: { readonly permit: number; readonly isProbe: boolean }[] = [];
      let openedMs = -1;
      for (const one of steps) {
        const before = circuit.state;
        if (one.kind === 'pass') now.ms += one.ms;
        if (one.kind === 'admit') {
          const permit = circuit.admit();
          if (permit > 0) underWay.push({ permit, isProbe: circuit.state === 'half-open' });
          if (before === 'open' && permit > 0) assert.ok(now.ms - openedMs >= rules.openMs);
        }
        if (one.kind === 'end' && underWay.length > 0) {
          const [ended] = underWay.splice(one.at % underWay.length, 1);
          circuit.ended(ended?.permit ?? 0, one.isWell);
        }
        if (circuit.state === 'open' && before !== 'open') openedMs = now.ms;
        if (circuit.state === 'open')
          assert.equal(before === 'open' && one.kind === 'admit' && circuit.leftMs === 0, false);
        if (circuit.state !== before) underWay = underWay.map(({ permit }) => ({ permit, isProbe: false }));
        if (circuit.state === 'half-open' && before !== 'half-open')
          underWay = underWay.map((each, at) => ({ ...each, isProbe: at === underWay.length - 1 }));
        assert.ok(underWay.filter(({ isProbe }) => isProbe).length <= rules.probesMax);
      }
    }),
  );
});

test('it says since when callers are turned away, also after it was tried in vain', () => {
  const { circuit, now } = breaker();
  now.ms = 500;
  for (let at = 0; at < 3; at += 1) circuit.ended(circuit.admit(), false);
  now.ms = 1_500;
  circuit.ended(circuit.admit(), false);
  assert.deepEqual([circuit.state, circuit.openedMs, circuit.leftMs], ['open', 500, 1_000]);
});
