import { type FallbackName, fallbackDefault, type PolicyName } from '../../config/scheduler-settings.ts';
import { HostError } from '../../errors.ts';
import type { Policy } from '../policy.ts';
import type { Forecast } from '../profile.ts';
import { Custom, type RankFunction } from './custom.ts';
import { EarliestDeadline } from './earliest-deadline.ts';
import { FairShare } from './fair-share.ts';
import { FirstCome } from './first-come.ts';
import { RateBased } from './rate-based.ts';
import { RoundRobin } from './round-robin.ts';
import { Scored, type Scorer } from './scored.ts';
import { ShortestJob } from './shortest-job.ts';
import { WeightFirst } from './weight-first.ts';
import { WeightedFairQueueing } from './weighted-fair-queueing.ts';

export interface PolicyOptions {
  readonly name: PolicyName;
  readonly nowMs: () => number;
  /** Fuel of a turn of a guest that computes, where that is more than a slice; of the policy `fair-share`. Default 0. */
  readonly turnFuel?: number;
  /** How long messages will take, by the keys of the queue; of the policy `shortest-job`. */
  readonly forecast?: Pick<Forecast, 'executionMsOf'> | undefined;
  /** Of the policy `custom`. */
  readonly rank?: RankFunction | undefined;
  /** Of the policy `custom`, instead of `rank`: a component's. */
  readonly scorer?: Scorer | undefined;
  /** Who decides once the component has failed. Default `fair-share`. */
  readonly fallback?: FallbackName;
  /** Turns for which a score holds. Default 8. */
  readonly scoreTurns?: number;
  /** `fallback` is about to decide: everybody that waits is to be ranked anew. */
  readonly onFallback?: () => void;
  /** What went wrong in `rank` or `scorer`, once. */
  readonly onFault?: (fault: unknown) => void;
}

const scoreTurnsDefault = 8;

/** @throws HostError `HOST_ERR_CONFIG_INVALID` for `custom` without a function or component */
export function makePolicy(options: PolicyOptions): Policy {
  const { name, nowMs, turnFuel, forecast, rank, onFault = () => {} } = options;
  switch (name) {
    case 'fair-share':
      return new FairShare(turnFuel);
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
      if (options.scorer !== undefined) return scoredPolicy(options, options.scorer);
      if (rank === undefined)
        throw new HostError(
          'HOST_ERR_CONFIG_INVALID',
          "the scheduler's policy 'custom' needs a function or a component: set [scheduler] module to a file that exports `rank`, or component to one that exports motehost:scheduling/policy",
        );
      return new Custom({ rank, nowMs, onFault });
  }
}

function scoredPolicy(options: PolicyOptions, scorer: Scorer): Policy {
  const { nowMs, turnFuel = 0, forecast, fallback = fallbackDefault } = options;
  const { scoreTurns = scoreTurnsDefault } = options;
  if (forecast === undefined) throw new Error('bug: a scorer without a forecast');
  const { onFallback = () => {}, onFault = () => {} } = options;
  return new Scored({
    scorer,
    nowMs,
    forecast,
    scoreTurns,
    fallback: makePolicy({ name: fallback, nowMs, turnFuel, forecast }),
    onFallback,
    onFault,
  });
}
