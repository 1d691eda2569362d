import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endedFor } from '../../host/agent/ending.ts';
import type { Halt } from '../../host/agent/halt.ts';

function told(halt: Halt | undefined, isAskedByAgent: boolean): unknown {
  const outcome = endedFor('ann', halt, isAskedByAgent);
  return outcome.kind === 'error' ? outcome.failure : outcome;
}

const unavailable = (val: string): unknown => ({ tag: 'unavailable', val });

test('who asks an agent that has ended is told who ended it, and how it begins anew', () => {
  const ended = (why: string): Halt => ({ kind: 'terminated', why, messages: [] });
  const anew = 'host agents resume ann begins it anew';
  const cases: [Halt | undefined, string][] = [
    [ended('stopped by ops'), `the agent was stopped by a person; ${anew}`],
    [ended('killed by ops'), `the agent was killed by a person; ${anew}`],
    [ended('trap: unreachable'), `the agent was terminated, as its manifest says ([errors]); ${anew}`],
    [
      undefined,
      'the agent ended, and its manifest says that it is not started again; host agents resume ann begins it anew',
    ],
  ];
  for (const [halt, text] of cases) {
    assert.deepEqual(told(halt, false), unavailable(text));
    assert.deepEqual(told(halt, true), unavailable('it is not available now'), 'agents are not told why');
  }
});
