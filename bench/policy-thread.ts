// A thread that does nothing but decide: its event loop stands still until it is told to end.
import { workerData } from 'node:worker_threads';
import { systemClock } from '../host/clock.ts';
import { Decider } from '../host/policy/decider.ts';
import type { PolicyRequest } from '../host/policy/request.ts';
import { PolicyInbox, type PolicyLine } from '../host/policy/source.ts';

/** What the thread is given. */
export interface PolicyThreadData {
  readonly line: PolicyLine;
  readonly request: PolicyRequest;
  /** [0]: how many other decisions it has seen; [1]: when it saw the last, by `process.hrtime`; [2]: 1 ends it. */
  readonly seen: BigInt64Array;
}

const { line, request, seen } = workerData as PolicyThreadData;
const decider = new Decider({ source: new PolicyInbox(line), clock: systemClock });
let kind = '';
while (Atomics.load(seen, 2) === 0n) {
  const decision = decider.decide(request);
  if (decision.kind === kind) continue;
  kind = decision.kind;
  Atomics.store(seen, 1, process.hrtime.bigint());
  Atomics.add(seen, 0, 1n);
  Atomics.notify(seen, 0);
}
process.exit(0);
