import type { Metric } from '../host/serving.ts';

/** Upper ends of the histogram's buckets, in seconds. */
const bucketSeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Counted where it is answered, not by the thread that took its connection. */
export const passedOn = 'passed on';

/** What went through one route. */
export class RouteMeter {
  readonly route: string;
  readonly statuses: Map<number, number> = new Map();
  readonly buckets: Float64Array = new Float64Array(bucketSeconds.length);
  count = 0;
  seconds = 0;

  constructor(route: string) {
    this.route = route;
  }

  add(status: number, seconds: number): void {
    this.count += 1;
    this.seconds += seconds;
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    for (let at = 0; at < bucketSeconds.length; at += 1) {
      if (seconds > (bucketSeconds[at] ?? 0)) continue;
      this.buckets[at] = (this.buckets[at] ?? 0) + 1;
      return;
    }
  }
}

/** What the front door itself tells Prometheus. Routes are the patterns of the table, so their number is bounded. */
export class Traffic {
  readonly #routes = new Map<string, RouteMeter>();
  /** Requests cut off before they had a route: malformed, too slow, too large. */
  readonly malformed: RouteMeter = this.of('malformed');

  of(route: string): RouteMeter {
    const known = this.#routes.get(route);
    if (known !== undefined) return known;
    const meter = new RouteMeter(route);
    this.#routes.set(route, meter);
    return meter;
  }

  metrics(connections: number, streams: number): Metric[] {
    const routes = [...this.#routes.values()].filter((one) => one.count > 0);
    return [
      {
        name: 'motehost_http_requests_total',
        help: 'Requests answered.',
        kind: 'counter',
        samples: routes.flatMap(({ route, statuses }) =>
          [...statuses].map(([status, value]) => ({ labels: { route, status: String(status) }, value })),
        ),
      },
      {
        name: 'motehost_http_request_duration_seconds',
        help: 'From the head of a request to the end of its answer.',
        kind: 'histogram',
        samples: routes.flatMap(histogram),
      },
      gauge('motehost_http_connections', 'Connections open.', connections),
      gauge('motehost_http_streams', 'Event streams open.', streams),
    ];
  }
}

/** What several threads tell of themselves, as one: same samples are added up, what one passed on is left to the other. */
export function summed(all: readonly (readonly Metric[])[]): Metric[] {
  const metrics = new Map<string, { readonly metric: Metric; readonly samples: Map<string, Sample> }>();
  for (const metric of all.flat()) {
    const { samples } = metrics.get(metric.name) ?? { samples: new Map<string, Sample>() };
    metrics.set(metric.name, { metric, samples });
    for (const sample of metric.samples) {
      if (sample.labels.route === passedOn) continue;
      const key = JSON.stringify([sample.suffix, sample.labels]);
      samples.set(key, { ...sample, value: sample.value + (samples.get(key)?.value ?? 0) });
    }
  }
  return Array.from(metrics.values(), ({ metric, samples }) => ({
    ...metric,
    samples: [...samples.values()],
  }));
}

type Sample = Metric['samples'][number];

function histogram({ route, buckets, count, seconds }: RouteMeter): Metric['samples'] {
  let below = 0;
  const steps = bucketSeconds.map((end, at) => {
    below += buckets[at] ?? 0;
    return { labels: { route, le: String(end) }, value: below, suffix: '_bucket' };
  });
  return [
    ...steps,
    { labels: { route, le: '+Inf' }, value: count, suffix: '_bucket' },
    { labels: { route }, value: seconds, suffix: '_sum' },
    { labels: { route }, value: count, suffix: '_count' },
  ];
}

function gauge(name: string, help: string, value: number): Metric {
  return { name, help, kind: 'gauge', samples: [{ labels: {}, value }] };
}
