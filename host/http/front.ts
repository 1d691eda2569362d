import type { Clock } from '../clock.ts';
import type { Serving } from '../host/serving.ts';
import type { Answers } from './answer.ts';
import type { Bodies } from './body.ts';
import type { Connections } from './connections.ts';
import type { HttpLimits } from './http-limits.ts';
import type { Streams } from './streams.ts';
import type { Traffic } from './traffic.ts';

/** A fault of ours: answered with 500 and told to whoever runs the host. */
export interface Fault {
  readonly requestId: string;
  readonly route: string;
  readonly error: unknown;
}

/** What the reception itself asks of a host. */
export type Caller = Pick<Serving, 'invoke' | 'routeOf' | 'exchange'>;

/** What routes work with. */
export interface Front<Serves = Serving> {
  readonly serving: Serves;
  readonly clock: Clock;
  readonly limits: HttpLimits;
  readonly answers: Answers;
  readonly bodies: Bodies;
  readonly streams: Streams;
  readonly traffic: Traffic;
  readonly connections: Connections;
  /** The OpenAPI document. */
  readonly document: () => Readonly<Record<string, unknown>>;
  readonly report: (fault: Fault) => void;
}
