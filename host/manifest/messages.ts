import type { Table } from './table.ts';

/** How an agent's messages are protected within its host. */
export interface MessageRules {
  /** Payload and headers are sealed from the sender's thread to the receiver's turn: of all it sends and all it gets. */
  readonly seal: boolean;
  /** What it sends is signed with its key: each message alone, or many under one signature. */
  readonly sign: 'none' | 'batch' | 'each';
}

export const defaultMessages: MessageRules = { seal: false, sign: 'none' };

/** `[messages]`. @throws HostError `HOST_ERR_CONFIG_INVALID` */
export function messagesOf(manifest: Table): MessageRules {
  const table = manifest.table('messages').only(['seal', 'sign']);
  const isEach = table.value('sign') === 'each';
  const isSigned = isEach || table.flag('sign');
  return { seal: table.flag('seal'), sign: isEach ? 'each' : isSigned ? 'batch' : 'none' };
}
