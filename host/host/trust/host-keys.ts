import { join } from 'node:path';
import { HostError } from '../../errors.ts';
import type { KeyOwner } from '../../identity/host-secret.ts';
import { writePublicKey } from '../../identity/key-file.ts';
import type { RevocationReason } from '../../identity/key-statement.ts';
import { keyText, parseKey } from '../../identity/public-key.ts';
import { isAgentName } from '../../manifest.ts';
import { recordForeignRevocation, recordRevocation, recordRotation } from '../record/key-record.ts';
import type { KeyRevoked, KeyRotated, KnownKeys, OwnKey, Revocation, ServingKeys } from './serving-keys.ts';
import type { Trust } from './trust.ts';

export interface HostKeysOptions {
  readonly trust: Trust;
  readonly stateFolder: string;
  /** Owners have other keys now: every thread that signs has to know. */
  readonly changed?: (generations: Readonly<Record<string, number>>) => Promise<unknown>;
}

/** Changes the keys of a host and of its agents, each change on its chain before it is said to be made. */
export class HostKeys implements ServingKeys {
  readonly #options: HostKeysOptions;

  constructor(options: HostKeysOptions) {
    this.#options = options;
  }

  list(): KnownKeys {
    const { keyring, trusted } = this.#options.trust;
    const own = (['host', ...Object.keys(keyring.generations)] as KeyOwner[]).filter(
      (owner, at) => at === 0 || owner !== 'host',
    );
    return {
      keys: own.map((owner) => this.#own(owner)),
      pinned: trusted.parties.flatMap((party) => {
        const pin = trusted.pin(party);
        return pin === undefined ? [] : [{ party, key: pin.key, generation: pin.generation, by: pin.by }];
      }),
      revoked: [
        ...keyring.revokedKeys.map(({ party, key, reason, fromMs }) => ({ party, key, reason, fromMs })),
        ...trusted.revokedKeys.map(({ key, reason }) => ({ party: '', key, reason, fromMs: undefined })),
      ],
    };
  }

  show(owner: string): OwnKey {
    return this.#own(ownerOf(owner));
  }

  #own(owner: KeyOwner): OwnKey {
    const { keyring } = this.#options.trust;
    return {
      party: keyring.party(owner),
      key: keyring.key(owner).text,
      generation: keyring.generation(owner),
      introduction: textOf(keyring.introduce(owner)),
    };
  }

  async rotate(of: string, by: string): Promise<KeyRotated> {
    const owner = ownerOf(of);
    const { trust } = this.#options;
    const rotation = trust.keyring.rotate(owner);
    await recordRotation(trust, owner, by);
    await this.#tell();
    return { ...this.#own(owner), rotation: textOf(rotation) };
  }

  async revoke(of: string, { reason, generation }: Revocation, by: string): Promise<KeyRevoked> {
    const owner = ownerOf(of);
    const { trust } = this.#options;
    const { keyring } = trust;
    const last = keyring.generation(owner);
    const which = generation ?? last;
    if (!Number.isSafeInteger(which) || which < 1 || which > last)
      throw new HostError(
        'HOST_ERR_VALUE_INVALID',
        `generation: ${of} has the generations 1 to ${last}, not ${which}`,
        { generation: which, last },
      );
    const { publicKey } = trust.secret.signingKey(owner, which);
    const { list, rotation } = keyring.revoke(owner, which, reason);
    if (rotation !== undefined) await recordRotation(trust, owner, by);
    await recordRevocation(trust, owner, publicKey, reason, by);
    await this.#tell();
    return {
      ...this.#own(owner),
      rotation: rotation === undefined ? undefined : textOf(rotation),
      revokedKey: keyText(publicKey),
      revocations: textOf(list),
    };
  }

  async revokeForeign(text: string, reason: RevocationReason, by: string): Promise<void> {
    const { trust } = this.#options;
    const key = parseKey(text);
    if (key === undefined)
      throw new HostError('HOST_ERR_VALUE_INVALID', `'${text}' is no public key: ed25519: and 43 characters`);
    trust.trusted.revokeByHand(key, reason);
    recordForeignRevocation(trust, key, reason, by);
    await trust.pen?.flushed();
  }

  async #tell(): Promise<void> {
    const { trust, stateFolder, changed } = this.#options;
    writePublicKey(join(stateFolder, 'keys'), trust.keyring.host.text);
    await changed?.(trust.keyring.generations);
    await trust.pen?.flushed();
  }
}

/** `host`, an agent's name, or `agent/NAME`. @throws HostError `HOST_ERR_VALUE_INVALID` */
export function ownerOf(word: string): KeyOwner {
  if (word === 'host') return 'host';
  const name = word.replace(/^agent\//, '');
  if (isAgentName(name)) return `agent/${name}`;
  throw new HostError('HOST_ERR_VALUE_INVALID', `'${word}' is neither host nor an agent's name`);
}

function textOf(statement: Uint8Array): string {
  return Buffer.from(statement).toString('base64url');
}
