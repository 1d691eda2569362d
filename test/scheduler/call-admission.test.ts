import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CallAdmission } from '../../host/scheduler/call-admission.ts';
import { Profiles } from '../../host/scheduler/profile.ts';
import { fc } from '../support/properties.ts';

const known = 1;

/** The profile of an agent whose messages take so long. */
function profilesOf(wallMs: number, messages = 10): Profiles {
  const profiles = new Profiles();
  for (let message = 1; message <= messages; message += 1) profiles.ended(known, wallMs, 0, message);
  return profiles;
}

const idle = { key: known, ahead: 0, underWayMs: undefined, queueMs: 0 };

test('a call that will have ended before its deadline is let in, and one that will not is told when it would', () => {
  const admission = new CallAdmission('predictive', profilesOf(20));
  assert.equal(admission.lateMs({ ...idle, leftMs: 20 }, 100), undefined);
  assert.equal(admission.lateMs({ ...idle, leftMs: 19 }, 100), 20);
  // What waits in the mailbox, what is under way, and what others have before it.
  assert.equal(admission.lateMs({ ...idle, ahead: 2, leftMs: 50 }, 100), 60);
  assert.equal(admission.lateMs({ ...idle, underWayMs: 5, leftMs: 30 }, 100), 35);
  assert.equal(admission.lateMs({ ...idle, underWayMs: 500, leftMs: 20 }, 100), undefined);
  assert.equal(admission.lateMs({ ...idle, queueMs: 7, leftMs: 25 }, 100), 27);
  assert.deepEqual(admission.counts, { admission: 'predictive', judged: 6, refused: 4 });
});

test('who is not known well, or was not seen for long, is let in, and so is everybody where nothing is forecast', () => {
  const late = { ...idle, leftMs: 1 };
  assert.equal(new CallAdmission('predictive', profilesOf(20, 9)).lateMs(late, 100), undefined);
  const admission = new CallAdmission('predictive', profilesOf(20));
  assert.equal(admission.lateMs(late, 5_009), 20);
  assert.equal(admission.lateMs(late, 5_010), undefined);
  assert.equal(admission.lateMs({ ...late, key: 2 }, 100), undefined);
  assert.equal(admission.counts.judged, 1);
  const queue = new CallAdmission('queue', profilesOf(20));
  assert.equal(queue.lateMs(late, 100), undefined);
  assert.deepEqual(queue.counts, { admission: 'queue', judged: 0, refused: 0 });
});

test('more time never has a call refused that less would have let in, and more before it never the other way round', () => {
  const ms = fc.double({ min: 0, max: 1_000, noNaN: true });
  fc.assert(
    fc.property(ms, ms, ms, ms, fc.nat(100), (wallMs, queueMs, leftMs, moreMs, ahead) => {
      const admission = new CallAdmission('predictive', profilesOf(wallMs));
      const call = { ...idle, ahead, queueMs, leftMs };
      const isIn = admission.lateMs(call, 100) === undefined;
      if (isIn) assert.equal(admission.lateMs({ ...call, leftMs: leftMs + moreMs }, 100), undefined);
      else assert.notEqual(admission.lateMs({ ...call, queueMs: queueMs + moreMs }, 100), undefined);
    }),
  );
});
