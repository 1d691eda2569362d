import { decodeEvent } from './event.ts';
import { kinds } from './kinds.ts';

/** Which keys may have signed: those a verifier began with, and those they vouched for on the chain. */
export class Trust {
  readonly #keys = new Set<string>();
  readonly #revoked = new Set<string>();

  constructor(keys: readonly Uint8Array[]) {
    for (const key of keys) this.#keys.add(textOf(key));
  }

  /** Whether a seal made now may be of this key. */
  holds(key: Uint8Array): boolean {
    const text = textOf(key);
    return this.#keys.has(text) && !this.#revoked.has(text);
  }

  /** Learns from an event that lies under a seal which was found right. */
  learn(record: Uint8Array): void {
    const { kind, fields } = decodeEvent(0, record);
    const [party, key] = fields;
    if (party !== hostParty || !(key instanceof Uint8Array)) return;
    if (kind === kinds.keyRotated) this.#keys.add(textOf(key));
    else if (kind === kinds.keyRevoked) this.#revoked.add(textOf(key));
  }
}

/** In the field `party` of an event about a key: the key is the host's own, not an agent's. */
export const hostParty = 'host';

/** Whether the record at `bytes[at]` is one that `Trust` learns from; without decoding it. */
export function isAboutKeys(bytes: Uint8Array, at: number): boolean {
  const kind = bytes[at + 2];
  return bytes[at + 1] === 0x18 && (kind === kinds.keyRotated || kind === kinds.keyRevoked);
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key).toString('hex');
}
