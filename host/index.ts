/** Motehost as a library: the names it keeps stable. Everything else is reached through the `host` command. */
export { type Clock, type Random, systemClock, systemRandom } from './clock.ts';
export { HostError, type HostErrorClass, type HostErrorCode } from './errors.ts';
export {
  type Awaited,
  Channel,
  type Coverage,
  Future,
  type GossipOptions,
  handOver,
  Iso,
  type KeptLease,
  type Lease,
  type LeaseStore,
  Leases,
  Orchestration,
  type OrchestrationOptions,
  type PutEnd,
  Quorum,
  Ref,
  type Reference,
  Shards,
  type Signal,
  Signals,
  spread,
  Tag,
  type Taken,
  type Tally,
  type Threshold,
  Topology,
  type TopologyKind,
  Val,
  type Vote,
  votesNeeded,
} from './host/orchestration.ts';
// The audit chain, read and verified with nothing but its folder and the public key (docs/audit.md).
export {
  type AuditEvent,
  anchorText,
  type EventFilter,
  namedFields as auditFields,
  parseAnchor,
  parseProof as parseEventProof,
  queryChain,
  type SignedSeal,
  type Verification,
  verifyChain,
  verifyProof as verifyEventProof,
} from './host/record/audit.ts';
// What agents did, run again (docs/replay.md).
export {
  type AnswerText,
  type CallText,
  type Happening,
  type HistoryPlace,
  type HistorySummary,
  histories,
  type Replayed,
  type ReplayingOptions,
  replaying,
  type TurnDivergence,
  type TurnEnd,
  type Unreplayed,
} from './host/record/replaying.ts';
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

// Keys: whose they are, what they sign, and sealed ways to other hosts (docs/identity.md).
export {
  type ComponentSignature,
  encodeSignature,
  type SignedComponent,
  signComponent,
  verifyComponent,
} from './identity/component-signature.ts';
export type { EnvelopeHeader, MessageKind } from './identity/header.ts';
export { HostSecret, type KeyOwner } from './identity/host-secret.ts';
export { type KeyFileOptions, openHostSecret } from './identity/key-file.ts';
export type { KeyRevocation, RevocationReason } from './identity/key-statement.ts';
export { Keyring, type KeyringOptions } from './identity/keyring.ts';
export { type VerifiedMessage, verifyMessageFile } from './identity/message-file.ts';
export { PeerSessions, type PeerSessionsOptions, type Step } from './identity/peer-sessions.ts';
export { keyText, parseKey } from './identity/public-key.ts';
export type { RefusalReason, Refused } from './identity/refusal.ts';
export type { FrameMessage } from './identity/sealed-frame.ts';
export type { Opened, OpenedFrame } from './identity/session.ts';
export { fileStore, memoryStore, type TextStore } from './identity/signed-text.ts';
export type { Signer } from './identity/signing-key.ts';
export { type Pin, type Trusted, TrustedKeys, type TrustedKeysOptions } from './identity/trusted-keys.ts';
export { defaultLimits, intersect, type LimitName, type Limits } from './limits.ts';
export type { Outcome, TrapKind, Usage } from './outcome.ts';
