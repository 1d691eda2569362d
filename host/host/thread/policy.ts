import type { Clock } from '../../clock.ts';
import { type Decision, denial } from '../../policy/decision.ts';
import { Entrance } from '../entrance.ts';
import { bound } from '../policy/bounds.ts';
import { Clearance, type Cleared, type Refused } from '../policy/clearance.ts';
import type { ThreadTrust } from '../trust/trust.ts';
import type { AskedApproval } from './control.ts';

/** What a thread asks of the main one where policies decide. */
export interface PolicyOwner {
  approve(asked: AskedApproval): Promise<Decision>;
  settle(asked: Omit<AskedApproval, 'decision'>): Promise<Decision | Refused>;
}

/** Decides for the agents of a thread; undefined without policies. */
export function clearanceOf(
  { decider, policyFolder, auditLevel, needs }: ThreadTrust,
  owner: PolicyOwner,
  clock: Clock,
): Clearance | undefined {
  if (decider === undefined) return undefined;
  return new Clearance({
    decider,
    clock,
    policyFolder,
    needs,
    // Then every decision is recorded, those made before too.
    mayRemember: auditLevel !== 'all',
    ask: (request, decision, waitMs) =>
      owner
        .approve({ request, decision, waitMs })
        .catch(() => denial('nobody could be asked', decision.version, decision.policies)),
  });
}

/** Decides about callers from outside at a thread's front door; what has to be counted or approved, the main one. */
export function entranceOf(
  clearance: Clearance | undefined,
  owner: PolicyOwner,
  say: (text: string) => void,
): Entrance | undefined {
  if (clearance === undefined) return undefined;
  const { decider } = clearance;
  return new Entrance({
    decider,
    goesOn: (request) => clearance.goesOn(request),
    say,
    clear: (request, act, waitMs) => {
      const { kind, conditions } = decider.decide(request);
      if (kind === 'allow' || kind === 'deny') return clearance.clear(request, act, 0);
      const held = bound(act, conditions);
      if (typeof held === 'string') return clearance.clear(request, act, 0);
      return owner.settle({ request, waitMs }).then((settled): Cleared | Refused => {
        if ('why' in settled) return settled;
        const now = bound(act, settled.conditions);
        if (typeof now === 'string') return { why: `${settled.policies.join(', ')}: ${now}` };
        clearance.record(now, settled);
        return { act: now, decision: settled, wasAsked: kind !== 'conditions' };
      });
    },
  });
}
