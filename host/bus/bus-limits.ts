/** Bounds of one thread's bus. */
export interface BusLimits {
  /** Headers and body of a message from outside. */
  readonly messageBytesMax: number;
  /** How long an agent's send waits for room at a congested receiver. */
  readonly backpressureMsMax: number;
  /** Senders that wait so at once. */
  readonly waitersMax: number;
  /** How long a request waits when its asker does not say. */
  readonly requestTimeoutMs: number;
  /** Requests that wait at once; of one agent. */
  readonly requestsMax: number;
  readonly requestsOfAgentMax: number;
  readonly deadLettersMax: number;
  /** Headers and bodies of the dead letters that are kept, the latest one aside. */
  readonly deadLetterBytesMax: number;
  /** Ids that are remembered of one sender, or by one receiver; of all senders from outside together. */
  readonly idsMax: number;
  readonly idsFromOutsideMax: number;
  /** Messages that wait to be repeated. */
  readonly redeliveriesMax: number;
  /** Messages that wait for the successor of a lost thread. */
  readonly strandedMax: number;
  /** Messages that are held back while their receivers move from thread to thread. */
  readonly heldMax: number;
  readonly subscriptionsOfAgentMax: number;
}

export const defaultBusLimits: BusLimits = {
  messageBytesMax: 1024 * 1024,
  backpressureMsMax: 100,
  waitersMax: 10_000,
  requestTimeoutMs: 30_000,
  requestsMax: 100_000,
  requestsOfAgentMax: 1000,
  deadLettersMax: 1000,
  deadLetterBytesMax: 16 * 1024 * 1024,
  idsMax: 1024,
  idsFromOutsideMax: 65_536,
  redeliveriesMax: 100_000,
  strandedMax: 100_000,
  heldMax: 100_000,
  subscriptionsOfAgentMax: 1024,
};
