import { type KeyObject, sign } from 'node:crypto';
import { publicBytes, secretKeyObject, sha256 } from './curves.ts';
import { type KeyId, keyText } from './public-key.ts';

/** Who can sign: what other rooms are given of a key. */
export interface Signer {
  /** 32 bytes, raw. */
  readonly publicKey: Uint8Array;
  readonly keyId: KeyId;
  /** 64 bytes: Ed25519. What is signed begins with its purpose: use `statement`. */
  sign(bytes: Uint8Array): Uint8Array;
}

/** A secret signing key; printing it shows the public half alone. */
export class SigningKey implements Signer {
  readonly publicKey: Uint8Array;
  readonly keyId: KeyId;
  readonly #secret: KeyObject;

  /** @param secret 32 bytes, copied */
  constructor(secret: Uint8Array) {
    this.#secret = secretKeyObject('ed25519', secret);
    this.publicKey = publicBytes(this.#secret);
    this.keyId = keyIdOf(this.publicKey);
  }

  /** For a thread of this host's own that signs by itself. */
  get privateKey(): KeyObject {
    return this.#secret;
  }

  get text(): string {
    return keyText(this.publicKey);
  }

  sign(bytes: Uint8Array): Uint8Array {
    return sign(null, bytes, this.#secret);
  }
}

export function keyIdOf(publicKey: Uint8Array): KeyId {
  return sha256(publicKey).toString('hex', 0, 16);
}
