/** Motehost as a library: the names it keeps stable. Everything else is reached through the `host` command. */
export { type Clock, type Random, systemClock, systemRandom } from './clock.ts';
export { HostError, type HostErrorClass, type HostErrorCode } from './errors.ts';
export {
  type Artifact,
  type Call,
  createHost,
  type Description,
  type Host,
  type HostOptions,
  type IncomingMessage,
  type InputSource,
  type Live,
  type NetGrant,
  type OpenRequest,
  type OutputSink,
  type Preopen,
  type RunRequest,
  type RunResult,
  type StopReason,
  type WasiGrants,
} from './host.ts';
export { defaultLimits, intersect, type LimitName, type Limits } from './limits.ts';
export type { Outcome, TrapKind, Usage } from './outcome.ts';
