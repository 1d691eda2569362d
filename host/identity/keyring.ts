import type { Clock } from '../clock.ts';
import { HostError } from '../errors.ts';
import { sha256 } from './curves.ts';
import type { HostSecret, KeyOwner } from './host-secret.ts';
import { isKeyOwner } from './host-secret.ts';
import {
  introduction,
  type KeyRevocation,
  type RevocationReason,
  revocations,
  rotation,
} from './key-statement.ts';
import { keyText } from './public-key.ts';
import { readSigned, type TextStore, writeSigned } from './signed-text.ts';
import type { SigningKey } from './signing-key.ts';

const ownersMax = 1_048_576;
const revokedMax = 65_536;
const keysHeldMax = 4096;

/** Whose keys, and where what cannot be derived is kept. */
export interface KeyringOptions {
  readonly secret: HostSecret;
  /** Where generations and revocations are kept. */
  readonly store: TextStore;
  readonly clock: Clock;
  /** What peers call this host; its agents are `NAME/AGENT` to them. */
  readonly name: string;
}

interface Content {
  /** Counts every change: a peer that has seen a later one takes no earlier one. */
  readonly version: number;
  /** Those that are not 1. */
  readonly generations: Readonly<Record<string, number>>;
  readonly revoked: readonly KeyRevocation[];
}

const empty: Content = { version: 0, generations: {}, revoked: [] };
const emptyDigest: Uint8Array = sha256(new Uint8Array(0));

/**
 * Which generation of which key of this host signs now, and which ones are revoked. Keys are derived when asked for;
 * what is stored, signed, is the generations beyond the first and the revocations.
 */
export class Keyring {
  readonly #options: KeyringOptions;
  readonly #generations: Map<string, number>;
  readonly #revoked: KeyRevocation[];
  #version: number;
  #digest: Uint8Array;
  /** Current keys by owner; the oldest goes first. */
  readonly #held = new Map<KeyOwner, SigningKey>();

  /** @throws HostError `HOST_ERR_IDENTITY_CORRUPT` when what is stored was not signed by this host */
  constructor(options: KeyringOptions) {
    this.#options = options;
    const { content, digest } = load(options);
    this.#digest = digest;
    this.#version = content.version;
    this.#generations = new Map(Object.entries(content.generations));
    this.#revoked = [...content.revoked];
  }

  get name(): string {
    return this.#options.name;
  }

  /** Counts every change of what is stored; 0: nothing is. */
  get version(): number {
    return this.#version;
  }

  /** SHA-256 of what is stored. */
  get digest(): Uint8Array {
    return this.#digest;
  }

  /** Takes a version above `version`: this one counts from now on, whatever a later one that is lost said. */
  supersede(version: number): void {
    this.#save(this.#content(), Math.max(version, this.#version) + 1);
  }

  get host(): SigningKey {
    return this.key('host');
  }

  /** The key an owner signs with now. */
  key(owner: KeyOwner): SigningKey {
    const held = this.#held.get(owner);
    if (held !== undefined) return held;
    const key = this.#options.secret.signingKey(owner, this.generation(owner));
    for (const oldest of this.#held.keys()) {
      if (this.#held.size < keysHeldMax) break;
      this.#held.delete(oldest);
    }
    this.#held.set(owner, key);
    return key;
  }

  generation(owner: KeyOwner): number {
    return this.#generations.get(owner) ?? 1;
  }

  /** Whether a key, as text, is or was an owner's. */
  hasHad(owner: KeyOwner, text: string): boolean {
    for (let generation = this.generation(owner); generation >= 1; generation--)
      if (this.#options.secret.signingKey(owner, generation).text === text) return true;
    return false;
  }

  /** Of the keys whose generation is not the first. */
  get generations(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#generations);
  }

  /** What peers call an owner: `alpha`, or `alpha/billing`. */
  party(owner: KeyOwner): string {
    return owner === 'host' ? this.name : `${this.name}/${owner.slice('agent/'.length)}`;
  }

  /** The host's word for its own key or an agent's, to hand to peers: signed by the host and by that key. */
  introduce(owner: KeyOwner): Uint8Array {
    const key = this.key(owner);
    return introduction(
      {
        party: this.party(owner),
        key: key.publicKey,
        generation: this.generation(owner),
        atMs: this.#nowMs(),
      },
      this.host,
      key,
    );
  }

  /**
   * Goes over to the next generation of a key.
   * @returns the statement that peers follow, signed by the old key and by the new one
   * @throws HostError `HOST_ERR_STATE_UNWRITABLE`; the key is then the same as before
   */
  rotate(owner: KeyOwner): Uint8Array {
    const old = this.key(owner);
    const generation = this.generation(owner) + 1;
    const key = this.#options.secret.signingKey(owner, generation);
    const next = new Map(this.#generations).set(owner, generation);
    if (next.size > ownersMax) throw full(`rotated keys of more than ${ownersMax} owners`);
    this.#save({ ...this.#content(), generations: Object.fromEntries(next) });
    this.#generations.set(owner, generation);
    this.#held.set(owner, key);
    const party = this.party(owner);
    return rotation(
      { party, oldKey: old.publicKey, newKey: key.publicKey, generation, atMs: this.#nowMs() },
      old,
      key,
    );
  }

  /**
   * Revokes generations of a key: what they sign from now on is nothing, and if they are compromised, neither is what
   * they signed before. The current generation is rotated first, else the owner could not sign any more.
   * @returns the list that peers take, and the rotation if there was one
   */
  revoke(
    owner: KeyOwner,
    generation: number,
    reason: RevocationReason,
  ): { readonly list: Uint8Array; readonly rotation: Uint8Array | undefined } {
    if (generation < 1 || generation > this.generation(owner))
      throw new Error(`bug: ${owner} has no generation ${generation}`);
    if (this.#revoked.length >= revokedMax) throw full(`more than ${revokedMax} revoked keys`);
    const rotated = generation === this.generation(owner) ? this.rotate(owner) : undefined;
    const key = this.#options.secret.signingKey(owner, generation).publicKey;
    const entry = { party: this.party(owner), key: keyText(key), generation, fromMs: this.#nowMs(), reason };
    const content = this.#content();
    this.#save({ ...content, revoked: [...content.revoked, entry] });
    this.#revoked.push(entry);
    return { list: this.revocations(), rotation: rotated };
  }

  get revokedKeys(): readonly KeyRevocation[] {
    return this.#revoked;
  }

  /** All that was revoked, signed by the host. */
  revocations(): Uint8Array {
    return revocations(
      { party: this.name, version: this.#version, atMs: this.#nowMs(), revoked: this.#revoked },
      this.host,
    );
  }

  /** Whether a key of this host, of this generation, counts for what was signed at a time. */
  isGood(owner: KeyOwner, generation: number, signedAtMs: number): boolean {
    if (generation < 1 || generation > this.generation(owner)) return false;
    const party = this.party(owner);
    return !this.#revoked.some(
      (entry) =>
        entry.party === party &&
        entry.generation === generation &&
        (entry.reason === 'compromised' || signedAtMs >= entry.fromMs),
    );
  }

  #content(): Content {
    return {
      version: this.#version,
      generations: Object.fromEntries(this.#generations),
      revoked: this.#revoked,
    };
  }

  #save(content: Content, version: number = this.#version + 1): void {
    const text = JSON.stringify({ ...content, version });
    writeSigned(this.#options.store, 'keyring', text, this.#options.secret.fileKey());
    this.#version = version;
    this.#digest = digestOf(text);
  }

  #nowMs(): number {
    return Number(this.#options.clock.wallNs() / 1_000_000n);
  }
}

function load(options: KeyringOptions): { readonly content: Content; readonly digest: Uint8Array } {
  const text = readSigned(options.store, 'keyring', options.secret.fileKey());
  if (text === undefined) return { content: empty, digest: emptyDigest };
  const content = parsed(text);
  if (content !== undefined) return { content, digest: digestOf(text) };
  throw new HostError('HOST_ERR_IDENTITY_CORRUPT', `${options.store.name} is not a keyring; put back a copy`);
}

function digestOf(text: string): Uint8Array {
  return sha256(Buffer.from(text));
}

function parsed(text: string): Content | undefined {
  try {
    const { version, generations, revoked } = JSON.parse(text) as Record<string, unknown>;
    const isKeyring =
      typeof version === 'number' &&
      typeof generations === 'object' &&
      generations !== null &&
      Object.entries(generations).every(
        ([owner, at]) => isKeyOwner(owner) && Number.isSafeInteger(at) && at > 0,
      ) &&
      Array.isArray(revoked);
    if (!isKeyring) return undefined;
    // Signed by this host: the entries are as it wrote them.
    return {
      version,
      generations: generations as Record<string, number>,
      revoked: revoked as KeyRevocation[],
    };
  } catch {
    return undefined;
  }
}

function full(what: string): HostError {
  return new HostError('HOST_ERR_BUDGET_EXHAUSTED', `the keyring takes no ${what}; begin a new identity`);
}
