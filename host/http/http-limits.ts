import type { Rate } from './rate.ts';

/** Bounds of the front door; every one is on by default. */
export interface HttpLimits {
  /** Bytes of one request's body. */
  readonly bodyBytesMax: number;
  /** Bytes of a request that installs an agent. */
  readonly installBytesMax: number;
  /** Bytes of all bodies being read at once. */
  readonly bodiesBytesMax: number;
  /** Bytes of all large answers that wait for their readers at once. */
  readonly answersBytesMax: number;
  readonly headerBytesMax: number;
  readonly headersMax: number;
  /** Connections of clients at once, in each thread; the next one is answered 503 and closed. */
  readonly connectionsMax: number;
  /** From the first byte of a request to the end of its head. */
  readonly headersTimeoutMs: number;
  /** From the first byte of a request to the end of its body. */
  readonly requestTimeoutMs: number;
  /** A connection without a request is closed after that. */
  readonly keepAliveMs: number;
  /** How often the two timeouts above, and clients that read nothing, are looked for. */
  readonly sweepMs: number;
  /** Sweeps in a row without one byte taken from a waiting answer, after which its connection is cut. */
  readonly stallsMax: number;
  /** Event streams at once. */
  readonly streamsMax: number;
  /** Bytes that wait for one reader of an event stream; what comes beyond is counted and lost. */
  readonly pendingBytesMax: number;
  readonly heartbeatMs: number;
  /** Addresses whose rate is remembered; beyond them new ones are refused. */
  readonly addressesMax: number;
  /** Requests per client address; undefined: not limited, as on loopback by default. */
  readonly addressRate: Rate | undefined;
  /** Requests per token; undefined: not limited. */
  readonly tokenRate: Rate | undefined;
}

export const defaultHttpLimits: HttpLimits = {
  bodyBytesMax: 16 * 1024 * 1024,
  installBytesMax: 64 * 1024 * 1024,
  bodiesBytesMax: 512 * 1024 * 1024,
  answersBytesMax: 512 * 1024 * 1024,
  headerBytesMax: 16 * 1024,
  headersMax: 100,
  connectionsMax: 20_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 120_000,
  keepAliveMs: 65_000,
  sweepMs: 2_000,
  stallsMax: 15,
  streamsMax: 1_000,
  pendingBytesMax: 1024 * 1024,
  heartbeatMs: 15_000,
  addressesMax: 65_536,
  addressRate: { perSecond: 20_000, burst: 40_000 },
  tokenRate: { perSecond: 20_000, burst: 40_000 },
};
