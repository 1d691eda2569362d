import { hkdfSync } from 'node:crypto';
import { keyBytes } from './public-key.ts';
import { SigningKey } from './signing-key.ts';

export const secretBytes = 32;
const noSalt = new Uint8Array(0);
const nameCharsMax = 256;

/** HKDF-SHA256 (RFC 5869). */
export function derive(
  secret: Uint8Array,
  salt: Uint8Array,
  info: string,
  bytes: number = keyBytes,
): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, salt, info, bytes));
}

/**
 * Whose keys these are: the host's, or those of one agent. An agent's name has no slash, so no two owners and
 * generations have the same derivation.
 */
export type KeyOwner = 'host' | `agent/${string}`;

export function isKeyOwner(owner: string): owner is KeyOwner {
  return owner === 'host' || (/^agent\/[^/\0]+$/.test(owner) && owner.length <= nameCharsMax);
}

/**
 * The 32 bytes everything of one host is derived from; nothing else is kept. What it derives, it derives again
 * after a restart: a signing key by owner and generation, the keys of sealed files. It does not show when printed.
 */
export class HostSecret {
  readonly #bytes: Uint8Array;

  /** @param bytes 32, copied */
  constructor(bytes: Uint8Array) {
    if (bytes.length !== secretBytes) throw new Error(`bug: a host secret of ${bytes.length} bytes`);
    this.#bytes = Uint8Array.from(bytes);
  }

  /** The signing key of an owner, of one generation. */
  signingKey(owner: KeyOwner, generation: number): SigningKey {
    return new SigningKey(this.#derive(owner, generation));
  }

  /** What this host's own files are signed with; no generation of it is ever another's. */
  fileKey(): SigningKey {
    return new SigningKey(this.subkey('files'));
  }

  /** 32 bytes for one use within the host: `info` names it, `salt` one instance of it. */
  subkey(info: string, salt: Uint8Array = noSalt): Uint8Array {
    return derive(this.#bytes, salt, `motehost/use/${info}`);
  }

  /** A copy, for the key file and for this host's own threads. */
  copy(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  #derive(owner: KeyOwner, generation: number): Uint8Array {
    if (!isKeyOwner(owner) || !Number.isSafeInteger(generation) || generation < 1)
      throw new Error(`bug: no key ${owner} of generation ${generation}`);
    return derive(this.#bytes, noSalt, `motehost/${owner}/sign/${generation}`);
  }
}
