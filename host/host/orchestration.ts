/** The primitives of orchestration as host code has them (`index.ts`). */
export { Channel, type PutEnd, type Taken } from '../orchestration/channel.ts';
export { type Awaited, Future } from '../orchestration/future.ts';
export { type Coverage, type GossipOptions, spread } from '../orchestration/gossip.ts';
export { type KeptLease, type Lease, type LeaseStore, Leases } from '../orchestration/leases.ts';
export { Orchestration, type OrchestrationOptions } from '../orchestration/orchestration.ts';
export { Quorum, type Tally, type Threshold, type Vote, votesNeeded } from '../orchestration/quorum.ts';
export { handOver, Iso, Ref, type Reference, Tag, Val } from '../orchestration/references.ts';
export { Shards } from '../orchestration/shards.ts';
export { type Signal, Signals } from '../orchestration/signals.ts';
export { Topology, type TopologyKind } from '../orchestration/topology.ts';
