import type { PolicyName } from '../../config/scheduler-settings.ts';
import { HostError } from '../../errors.ts';
import type { Policy } from '../policy.ts';
import type { Forecast } from '../profile.ts';
import { Custom, type RankFunction } from './custom.ts';
import { EarliestDeadline } from './earliest-deadline.ts';
import { FairShare } from './fair-share.ts';
import { FirstCome } from './first-come.ts';
import { RateBased } from './rate-based.ts';
import { RoundRobin } from './round-robin.ts';
import { ShortestJob } from './shortest-job.ts';
import { WeightFirst } from './weight-first.ts';
import { WeightedFairQueueing } from './weighted-fair-queueing.ts';

export interface PolicyOptions {
  readonly name: PolicyName;
  readonly nowMs: () => number;
  /** How long messages will take, by the keys of the queue; of the policy `shortest-job`. */
  readonly forecast?: Pick<Forecast, 'executionMsOf'> | undefined;
  /** Of the policy `custom`. */
  readonly rank?: RankFunction | undefined;
  /** What went wrong in `rank`, once. */
  readonly onFault?: (fault: unknown) => void;
}

/** @throws HostError `HOST_ERR_CONFIG_INVALID` for `custom` without a function */
export function makePolicy({ name, nowMs, forecast, rank, onFault = () => {} }: PolicyOptions): Policy {
  switch (name) {
    case 'fair-share':
      return new FairShare();
    case 'round-robin':
      return new RoundRobin();
    case 'first-come':
      return new FirstCome();
    case 'shortest-job':
      if (forecast === undefined) throw new Error('bug: shortest-job without a forecast');
      return new ShortestJob(nowMs, forecast);
    case 'weighted-fair-queueing':
      return new WeightedFairQueueing();
    case 'earliest-deadline':
      return new EarliestDeadline();
    case 'rate-based':
      return new RateBased(nowMs);
    case 'priority':
      return new WeightFirst(nowMs);
    case 'custom':
      if (rank === undefined)
        throw new HostError(
          'HOST_ERR_CONFIG_INVALID',
          "the scheduler's policy 'custom' needs a function: set [scheduler] module to a file that exports `rank`",
        );
      return new Custom({ rank, nowMs, onFault });
  }
}
