import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RestartWindow } from '../../host/supervisor/restart-window.ts';
import { fc } from '../support/properties.ts';

test('restarts are counted as far back as the period, whole', () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 40 });
  fc.assert(
    fc.property(gaps, fc.integer({ min: 0, max: 5 }), (waits, restartsMax) => {
      const window = new RestartWindow({ restartsMax, periodMs: 1_000 });
      const all: number[] = [];
      let nowMs = 0;
      for (const wait of waits) {
        nowMs += wait;
        all.push(nowMs);
        const inPeriod = all.filter((atMs) => nowMs - atMs <= 1_000).length;
        const isBorne = window.add(nowMs);
        assert.equal(isBorne, inPeriod <= restartsMax);
        if (!isBorne) return;
      }
    }),
  );
});
