import type { Message } from './message.ts';

/** How what an agent sends is signed: many messages under one signature, or each alone. */
export type SigningMode = 'none' | 'batch' | 'each';

/** Signs what agents send: a port, the bus knows no keys. */
export interface MessageSigner {
  /** @param target the agent it goes to, or the subject */
  sign(message: Message, target: string, mode: Exclude<SigningMode, 'none'>): void;
}
