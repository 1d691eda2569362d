// A thread that decides without ever coming back to its event loop, until it is told to end.
import { workerData } from 'node:worker_threads';
import { systemClock } from '../../host/clock.ts';
import { Decider } from '../../host/policy/decider.ts';
import type { PolicyRequest } from '../../host/policy/request.ts';
import { PolicyInbox, type PolicyLine } from '../../host/policy/source.ts';

/** What the thread is given. */
export interface PolicyThreadData {
  readonly line: PolicyLine;
  readonly request: PolicyRequest;
  /** [0]: rises with each decision that is another than the one before; [1]: the version it was decided by;
   * [2]: 1 when it was allowed; [3]: 1 ends the thread. */
  readonly seen: Int32Array;
}

const { line, request, seen } = workerData as PolicyThreadData;
const decider = new Decider({ source: new PolicyInbox(line), clock: systemClock });
let version = -1;
while (Atomics.load(seen, 3) === 0) {
  const decision = decider.decide(request);
  if (decision.version === version) continue;
  version = decision.version;
  Atomics.store(seen, 1, version);
  Atomics.store(seen, 2, decision.kind === 'allow' ? 1 : 0);
  Atomics.add(seen, 0, 1);
  Atomics.notify(seen, 0);
}
process.exit(0);
