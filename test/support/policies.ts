import { PolicyBoard } from '../../host/policy/board.ts';
import { Compiler } from '../../host/policy/compile.ts';
import { Decider } from '../../host/policy/decider.ts';
import type { KnownEntity } from '../../host/policy/entity.ts';
import { parseEntity } from '../../host/policy/entity.ts';
import { faultText } from '../../host/policy/place.ts';
import type { PolicyContext, PolicyRequest } from '../../host/policy/request.ts';
import type { PolicySet } from '../../host/policy/rule.ts';
import type { ActionName } from '../../host/policy/vocabulary.ts';
import { HandClock } from './hand-clock.ts';

/** The set of one file `a.cedar`. */
export function policySet(text: string, entities: readonly KnownEntity[] = []): PolicySet {
  const { set, faults } = new Compiler().compile([{ name: 'a.cedar', text }], entities);
  if (set === undefined) throw new Error(faults.map(faultText).join('\n'));
  return set;
}

/** What is wrong with the file `a.cedar`, a line each. */
export function policyFaults(text: string): string[] {
  return new Compiler().compile([{ name: 'a.cedar', text }]).faults.map(faultText);
}

/** `requestOf('agent:shop', 'bus.send', 'agent:billing')` */
export function requestOf(
  principal: string,
  action: ActionName,
  resource: string,
  context: PolicyContext = {},
): PolicyRequest {
  return {
    principal: parseEntity(principal, 'test'),
    action,
    resource: parseEntity(resource, 'test'),
    context,
  };
}

export interface DecidingBoard extends Disposable {
  readonly board: PolicyBoard;
  readonly decider: Decider;
  readonly clock: HandClock;
}

/** Policies in force, and who decides by them. */
export function deciding(text: string, entities: readonly KnownEntity[] = []): DecidingBoard {
  const board = new PolicyBoard();
  const clock = new HandClock();
  board.publish(policySet(text, entities));
  const decider = new Decider({ source: board, clock });
  const end = (): void => {
    decider.close();
    board.close();
  };
  return { board, decider, clock, [Symbol.dispose]: end };
}

/** An agent of these groups and labels. */
export function agent(id: string, groups: readonly string[], holds: readonly string[] = []): KnownEntity {
  return { kind: 'Agent', id, groups, attributes: { holds, carries: holds } };
}
